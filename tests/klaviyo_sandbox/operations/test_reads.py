"""What a check of an account reads: accounts, lists, metrics, flows, profiles."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from openapi_schema_validator import OAS30Validator

from klaviyo_sandbox.protocol import spec
from tests.klaviyo_sandbox.conftest import EMAIL, PHONE, Running, consent_to, item_body, person
from tests.klaviyo_sandbox.operations.test_catalog import JACKET, MEDIUM, error

BACK_IN_STOCK = "Subscribed to Back in Stock"


def data(reply: requests.Response) -> Any:
    """Return what a reply is about."""
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def test_the_account_tells_the_public_key(sandbox: Running) -> None:
    """So a private key is proven, and the public one compared."""
    [account] = data(sandbox.api("GET", "accounts"))

    assert account["id"] == sandbox.account.public_key
    assert account["attributes"]["public_api_key"] == sandbox.account.public_key
    assert error(sandbox.api("GET", "accounts", Authorization="Klaviyo-API-Key pk_no")) == (
        401,
        "not_authenticated",
        "/data/",
    )


def test_one_field_of_a_field(sandbox: Running) -> None:
    """A dot in `fields` picks from inside."""
    query = "fields[account]=contact_information.organization_name,locale"

    [account] = data(sandbox.api("GET", f"accounts?{query}"))

    assert account["attributes"] == {
        "contact_information": {"organization_name": "Klaviyo sandbox"},
        "locale": "en-US",
    }


def test_the_lists_are_the_one(sandbox: Running) -> None:
    """By its ID or its name, or not at all."""
    own = sandbox.account.list_id

    for query in ("", f'?filter=equals(id,"{own}")', '?filter=any(name,["Sandbox list"])',
                  "?filter=greater-than(created,2020-01-01T00:00:00Z)"):  # fmt: skip
        [found] = data(sandbox.api("GET", f"lists{query}"))
        assert (found["id"], found["attributes"]["opt_in_process"]) == (own, "single_opt_in")
    for query in ('equals(id,"NOLIST")', "greater-than(updated,2030-01-01)"):
        assert data(sandbox.api("GET", f"lists?filter={query}")) == []
    assert error(sandbox.api("GET", "lists?filter=greater-than(created,soon)"))[0] == 400


@pytest.mark.parametrize("status", ["draft", "manual", "live"])
def test_the_metric_leads_to_the_flow(sandbox: Running, status: str) -> None:
    """A check finds the metric, its flow, and whether that is live."""
    sandbox.set("flow", status=status)
    [metric] = [
        each
        for each in data(sandbox.api("GET", "metrics"))
        if each["attributes"]["name"] == BACK_IN_STOCK
    ]

    [flow] = data(sandbox.api("GET", f"metrics/{metric['id']}/flow-triggers"))

    attributes = flow["attributes"]
    assert (attributes["status"], attributes["trigger_type"]) == (status, "Metric")
    assert attributes["archived"] is False
    found = data(sandbox.api("GET", f'flows?filter=equals(status,"{status}")'))
    assert [each["id"] for each in found] == [flow["id"]]
    assert data(sandbox.api("GET", 'flows?filter=equals(name,"Welcome")')) == []


def test_another_metric_starts_no_flow(sandbox: Running) -> None:
    """And one that isn't there is a 404."""
    metrics = sandbox.api("GET", "metrics?include=flow-triggers").json()

    assert [each["type"] for each in metrics["included"]] == ["flow"]
    assert data(sandbox.api("GET", f"metrics/{metrics['data'][1]['id']}/flow-triggers")) == []
    assert error(sandbox.api("GET", "metrics/x/flow-triggers"))[:2] == (404, "not_found")


def test_profiles_are_found_by_their_contact(sandbox: Running) -> None:
    """With `additional-fields` their consent comes too, in Klaviyo's form."""
    sandbox.subscribe(person(consent_to("sms"), email=EMAIL, phone_number=PHONE))
    sandbox.sign_up("grace@shop.example.org")

    query = f'filter=equals(email,"{EMAIL}")&additional-fields[profile]=subscriptions'
    [found] = data(sandbox.api("GET", f"profiles?{query}"))

    attributes = found["attributes"]
    assert (attributes["email"], attributes["phone_number"]) == (EMAIL, PHONE)
    assert attributes["subscriptions"]["sms"]["marketing"] == {
        "can_receive_sms_marketing": True,
        "consent": "SUBSCRIBED",
        "consent_timestamp": "2026-11-24T12:00:00+00:00",
        "last_updated": "2026-11-24T12:00:00+00:00",
        "method": "Back in stock",
    }
    assert attributes["subscriptions"]["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    everybody = data(sandbox.api("GET", "profiles?sort=-email&fields[profile]=email"))
    assert [each["attributes"] for each in everybody] == [
        {"email": "grace@shop.example.org"},
        {"email": EMAIL},
    ]
    first = sandbox.api("GET", "profiles?page[size]=1").json()
    following = first["links"]["next"].removeprefix(f"{sandbox.url}/api/")
    assert [first["data"][0]["id"]] != [each["id"] for each in data(sandbox.api("GET", following))]


def test_every_reply_has_the_shape_that_klaviyo_publishes(sandbox: Running) -> None:
    """Each reading and writing of the catalog and the account, against the schema."""
    sandbox.add("jacket-m")
    sandbox.subscribe(person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE))
    calls = [
        ("get", "/api/catalog-items", "catalog-items?include=variants"),
        ("get", "/api/catalog-items/{id}", f"{JACKET}?include=variants"),
        ("get", "/api/catalog-items/{id}/variants", f"{JACKET}/variants"),
        ("get", "/api/catalog-variants", "catalog-variants"),
        ("get", "/api/catalog-variants/{id}", MEDIUM),
        ("get", "/api/accounts", "accounts"),
        ("get", "/api/lists", "lists?include=tags"),
        ("get", "/api/lists/{id}", f"lists/{sandbox.account.list_id}"),
        ("get", "/api/metrics", "metrics?include=flow-triggers"),
        ("get", "/api/metrics/{id}/flow-triggers", "metrics/SBMET1/flow-triggers"),
        ("get", "/api/flows", "flows?include=tags"),
        ("get", "/api/profiles", "profiles?additional-fields[profile]=subscriptions"),
    ]
    for method, path, asked in calls:
        reply = sandbox.api(method.upper(), asked)
        assert faults(path, method, reply) == [], path
    made = sandbox.api("POST", "catalog-items", item_body("coat"))
    assert faults("/api/catalog-items", "post", made) == []


def faults(path: str, method: str, reply: requests.Response) -> list[str]:
    """Return what differs between a reply and its schema."""
    document = spec.document()
    content = document["paths"][path][method]["responses"][str(reply.status_code)]["content"]
    [media] = content.values()
    found = reply.json()
    # Klaviyo sends null where there is no page, which its own schema doesn't allow
    found["links"] = {name: link for name, link in found["links"].items() if link is not None}
    schema = {**media["schema"], "components": document["components"]}
    return [error.message for error in OAS30Validator(schema).iter_errors(found)]
