"""Reading accounts, lists, metrics, flows and profiles, and the settings of the account."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from openapi_schema_validator import OAS30Validator

from klaviyo_sandbox.protocol import spec
from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    NOON,
    OTHER_EMAIL,
    PHONE,
    SERVER_PATH,
    SUBSCRIBE_PATH,
    RunningSandbox,
    consent_to,
    error_of,
    item_body,
    person,
)
from tests.klaviyo_sandbox.operations.test_catalog import JACKET, MEDIUM


def data_of(reply: requests.Response) -> Any:
    """Return the data of a successful reply."""
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def get_list(sandbox: RunningSandbox, query: str = "") -> requests.Response:
    """Read the account's list."""
    return sandbox.api("GET", f"lists/{sandbox.account.list_id}{query}")


def test_account_has_the_public_key(sandbox: RunningSandbox) -> None:
    [account] = data_of(sandbox.api("GET", "accounts"))

    assert account["id"] == sandbox.account.public_key
    assert account["attributes"]["public_api_key"] == sandbox.account.public_key


def test_nested_fields_can_be_selected(sandbox: RunningSandbox) -> None:
    query = "fields[account]=contact_information.organization_name,locale"

    [account] = data_of(sandbox.api("GET", f"accounts?{query}"))

    assert account["attributes"] == {
        "contact_information": {"organization_name": "Klaviyo sandbox"},
        "locale": "en-US",
    }


def test_list_can_be_read(sandbox: RunningSandbox) -> None:
    data = data_of(get_list(sandbox))

    assert (data["type"], data["id"]) == ("list", sandbox.account.list_id)
    assert data["attributes"] == {
        "name": "Sandbox list",
        "created": NOON,
        "updated": NOON,
        "opt_in_process": "single_opt_in",
    }
    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["problems"]) == ("get_list", [])


def test_list_shows_its_new_opt_in(sandbox: RunningSandbox) -> None:
    sandbox.clock.move(60)

    sandbox.set("list", opt_in_process="double_opt_in")

    assert sandbox.get("list")["opt_in_process"] == "double_opt_in"
    attributes = data_of(get_list(sandbox))["attributes"]
    assert attributes["opt_in_process"] == "double_opt_in"
    assert attributes["updated"] == "2026-11-24T12:01:00+00:00"


def test_list_counts_confirmed_subscribers(sandbox: RunningSandbox) -> None:
    sandbox.subscribe()
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))
    query = "?additional-fields[list]=profile_count&fields[list]=profile_count,name"

    data = data_of(get_list(sandbox, query))

    assert data["attributes"] == {"name": "Sandbox list", "profile_count": 1}


@pytest.mark.parametrize("list_id", ["NOLIST", "%2e%2e", "a/b"])
def test_unknown_list_is_404(sandbox: RunningSandbox, list_id: str) -> None:
    assert error_of(sandbox.api("GET", f"lists/{list_id}")) == (404, "not_found", "/data/")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?page[size]=2", "page[size]"),
        ("?include=profiles", "include"),
        ("?fields[list]=name,colour", "fields[list]"),
    ],
)
def test_unknown_parameter_is_refused(sandbox: RunningSandbox, query: str, parameter: str) -> None:
    assert error_of(get_list(sandbox, query)) == (400, "invalid", parameter)


def test_lists_can_be_filtered(sandbox: RunningSandbox) -> None:
    list_id = sandbox.account.list_id

    for query in ("", f'?filter=equals(id,"{list_id}")', '?filter=any(name,["Sandbox list"])',
                  "?filter=greater-than(created,2020-01-01T00:00:00Z)"):  # fmt: skip
        assert [entry["id"] for entry in data_of(sandbox.api("GET", f"lists{query}"))] == [list_id]
    for condition in ('equals(id,"NOLIST")', "greater-than(updated,2030-01-01)"):
        assert data_of(sandbox.api("GET", f"lists?filter={condition}")) == []
    assert error_of(sandbox.api("GET", "lists?filter=greater-than(created,soon)"))[0] == 400


@pytest.mark.parametrize("status", ["draft", "manual", "live"])
def test_metric_leads_to_its_flow(sandbox: RunningSandbox, status: str) -> None:
    sandbox.set("flow", status=status)
    [metric_id] = [
        metric["id"]
        for metric in data_of(sandbox.api("GET", "metrics"))
        if metric["attributes"]["name"] == "Subscribed to Back in Stock"
    ]

    [flow] = data_of(sandbox.api("GET", f"metrics/{metric_id}/flow-triggers"))

    attributes = flow["attributes"]
    assert (attributes["status"], attributes["trigger_type"]) == (status, "Metric")
    assert attributes["archived"] is False
    flows = data_of(sandbox.api("GET", f'flows?filter=equals(status,"{status}")'))
    assert [entry["id"] for entry in flows] == [flow["id"]]
    assert data_of(sandbox.api("GET", 'flows?filter=equals(name,"Welcome")')) == []


def test_other_metrics_trigger_no_flow(sandbox: RunningSandbox) -> None:
    metrics = sandbox.api("GET", "metrics?include=flow-triggers").json()

    assert [included["type"] for included in metrics["included"]] == ["flow"]
    path = f"metrics/{metrics['data'][1]['id']}/flow-triggers"
    assert data_of(sandbox.api("GET", path)) == []
    assert error_of(sandbox.api("GET", "metrics/x/flow-triggers"))[:2] == (404, "not_found")


def test_account_without_a_flow(sandbox: RunningSandbox) -> None:
    """The list of flows is empty, and sign-ups are ignored."""
    sandbox.set("flow", status="none")

    assert data_of(sandbox.api("GET", "flows")) == []
    assert data_of(sandbox.api("GET", "metrics/SBMET1/flow-triggers")) == []
    assert sandbox.server_call().status_code == 202
    assert sandbox.notes() == ["ignored: there is no flow"]
    assert sandbox.read("waiting") == []


def test_profiles_can_be_read(sandbox: RunningSandbox) -> None:
    """Profiles can be filtered, sorted and paginated, and include consent on request."""
    sandbox.subscribe(person(consent_to("sms"), email=EMAIL, phone_number=PHONE))
    sandbox.sign_up(OTHER_EMAIL)

    query = f'filter=equals(email,"{EMAIL}")&additional-fields[profile]=subscriptions'
    [profile] = data_of(sandbox.api("GET", f"profiles?{query}"))

    attributes = profile["attributes"]
    assert (attributes["email"], attributes["phone_number"]) == (EMAIL, PHONE)
    assert attributes["subscriptions"]["sms"]["marketing"] == {
        "can_receive_sms_marketing": True,
        "consent": "SUBSCRIBED",
        "consent_timestamp": NOON,
        "last_updated": NOON,
        "method": "Back in stock",
    }
    assert attributes["subscriptions"]["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    profiles = data_of(sandbox.api("GET", "profiles?sort=-email&fields[profile]=email"))
    assert [entry["attributes"] for entry in profiles] == [{"email": OTHER_EMAIL}, {"email": EMAIL}]
    first = sandbox.api("GET", "profiles?page[size]=1").json()
    following = first["links"]["next"].removeprefix(f"{sandbox.url}/api/")
    second = data_of(sandbox.api("GET", following))
    assert first["data"][0]["id"] != second[0]["id"]


def test_every_reply_matches_klaviyos_schema(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.subscribe(person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE))
    calls = [
        ("/api/catalog-items", "catalog-items?include=variants"),
        ("/api/catalog-items/{id}", f"{JACKET}?include=variants"),
        ("/api/catalog-items/{id}/variants", f"{JACKET}/variants"),
        ("/api/catalog-variants", "catalog-variants"),
        ("/api/catalog-variants/{id}", MEDIUM),
        ("/api/accounts", "accounts"),
        ("/api/lists", "lists?include=tags"),
        ("/api/lists/{id}", f"lists/{sandbox.account.list_id}"),
        ("/api/metrics", "metrics?include=flow-triggers"),
        ("/api/metrics/{id}/flow-triggers", "metrics/SBMET1/flow-triggers"),
        ("/api/flows", "flows?include=tags"),
        ("/api/profiles", "profiles?additional-fields[profile]=subscriptions"),
    ]
    for path, address in calls:
        assert schema_violations(path, "get", sandbox.api("GET", address)) == [], path
    created = sandbox.api("POST", "catalog-items", item_body("coat"))
    assert schema_violations("/api/catalog-items", "post", created) == []


def schema_violations(path: str, method: str, reply: requests.Response) -> list[str]:
    """Return the differences between a reply and its schema."""
    document = spec.document()
    content = document["paths"][path][method]["responses"][str(reply.status_code)]["content"]
    [media] = content.values()
    sent = reply.json()
    # Klaviyo sends null if there is no such page, which its own schema doesn't allow.
    sent["links"] = {name: link for name, link in sent["links"].items() if link is not None}
    schema = {**media["schema"], "components": document["components"]}
    return [violation.message for violation in OAS30Validator(schema).iter_errors(sent)]


def test_scopes_limit_the_private_key(sandbox: RunningSandbox) -> None:
    """The error names the missing scope. Calls from a browser need no scopes."""
    sandbox.set("account", scopes=["lists:read", "catalogs:write"])

    assert sandbox.api("GET", "lists").status_code == 200
    reply = sandbox.server_call()
    assert error_of(reply) == (403, "permission_denied", "/data/")
    assert reply.json()["errors"][0]["detail"] == (
        "Your API key is missing required scopes: profiles:write."
    )
    assert sandbox.browser_call().status_code == 202
    assert len(sandbox.read("waiting")) == 1


@pytest.mark.parametrize("path", [SERVER_PATH, SUBSCRIBE_PATH])
@pytest.mark.parametrize(("scopes", "status"), [("all", 400), ([], 403)])
def test_empty_body_reveals_whether_the_key_has_the_scopes(
    sandbox: RunningSandbox, path: str, scopes: Any, status: int
) -> None:
    """The key's scopes are checked before the body."""
    sandbox.set("account", scopes=scopes)

    assert sandbox.api("POST", path.removeprefix("/api/"), {}).status_code == status
    assert (sandbox.read("waiting"), sandbox.read("profiles")) == ([], [])


def test_date_of_replies_can_be_skewed(sandbox: RunningSandbox) -> None:
    """The caller's clock appears to be wrong if replies have a skewed date."""
    sandbox.set("account", date_skew=3600)

    date = parsedate_to_datetime(sandbox.api("GET", "accounts").headers["Date"])

    assert 3500 < (date - datetime.now(UTC)).total_seconds() < 3700
