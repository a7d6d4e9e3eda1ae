"""Klaviyo's own Python SDK calls the sandbox as it would call Klaviyo."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    SERVER_OPERATION,
    SUBSCRIBE_OPERATION,
    VARIANT,
    Running,
    body,
    composite,
    item_body,
    job_body,
    update_body,
    variant_body,
)

JACKET, MEDIUM = composite("jacket"), composite("jacket-m")


def sdk(sandbox: Running, key: str) -> KlaviyoAPI:
    """Return Klaviyo's SDK, pointed at the sandbox."""
    return KlaviyoAPI(key, max_retries=0, test_host=sandbox.url)


def test_the_sdk_signs_up(sandbox: Running) -> None:
    """The SDK's call is accepted, and recorded without a problem."""
    api = sdk(sandbox, sandbox.account.private_key)

    api.Catalogs.create_back_in_stock_subscription(body())

    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["status"], entry["problems"]) == (SERVER_OPERATION, 202, [])
    assert entry["headers"]["Revision"] == "2026-10-15"
    [waiting] = sandbox.read("waiting")
    assert (waiting["variant"], waiting["profile"]["email"]) == (VARIANT, EMAIL)


def test_the_sdk_understands_a_refusal(sandbox: Running) -> None:
    """A wrong key reaches the SDK's caller as its own exception, with the status."""
    api = sdk(sandbox, "pk_wrong")

    with pytest.raises(ApiException) as caught:
        api.Catalogs.create_back_in_stock_subscription(body())

    assert caught.value.status == 401


def test_the_sdk_subscribes(sandbox: Running) -> None:
    """The SDK's consent call is accepted without a problem, and its profile is subscribed."""
    api = sdk(sandbox, sandbox.account.private_key)

    api.Profiles.bulk_subscribe_profiles(sandbox.job())

    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["status"], entry["problems"]) == (
        SUBSCRIBE_OPERATION,
        202,
        [],
    )
    assert sandbox.consent("email")["status"] == "subscribed"


def test_the_sdk_understands_an_unknown_list(sandbox: Running) -> None:
    """A subscription to a list that isn't there is the SDK's exception, with Klaviyo's pointer."""
    api = sdk(sandbox, sandbox.account.private_key)
    sent = sandbox.job()
    sent["data"]["relationships"]["list"]["data"]["id"] = "NOLIST"

    with pytest.raises(ApiException) as caught:
        api.Profiles.bulk_subscribe_profiles(sent)

    assert caught.value.status == 400
    assert "/data/relationships/list/data/id" in str(caught.value.body)


def test_the_sdk_reads_the_list(sandbox: Running) -> None:
    """The SDK's model of a list takes the reply, and tells the opt-in."""
    api = sdk(sandbox, sandbox.account.private_key)
    sandbox.set("list", opt_in_process="double_opt_in")

    found = api.Lists.get_list(sandbox.account.list_id)

    data = found["data"] if isinstance(found, dict) else found.data.to_dict()
    assert data["id"] == sandbox.account.list_id
    assert data["attributes"]["opt_in_process"] == "double_opt_in"
    with pytest.raises(ApiException) as caught:
        api.Lists.get_list("NOLIST")
    assert caught.value.status == 404


def plain(found: Any) -> Any:
    """Return a reply of the SDK's as JSON, whether it came as its model or as a dictionary."""
    return found if isinstance(found, dict) else found.to_dict()


def calls(api: KlaviyoAPI, sandbox: Running) -> dict[str, Callable[[], Any]]:
    """Return a call of the SDK's for each operation by its name, in an order that works."""
    catalogs, jobs = api.Catalogs, {}

    def started(kind: str, things: str, *bodies: dict[str, Any]) -> Any:
        made = getattr(catalogs, f"bulk_{kind}_catalog_{things}")(job_body(kind, things, *bodies))
        jobs[kind, things] = plain(made)["data"]["id"]
        return made

    return {
        "create_catalog_item": lambda: catalogs.create_catalog_item(item_body()),
        "create_catalog_variant": lambda: catalogs.create_catalog_variant(variant_body()),
        "get_catalog_items": lambda: catalogs.get_catalog_items(page_size=1, include=["variants"]),
        "get_catalog_item": lambda: catalogs.get_catalog_item(JACKET, include=["variants"]),
        "get_variants_for_catalog_item": lambda: catalogs.get_variants_for_catalog_item(JACKET),
        "get_catalog_variants": lambda: catalogs.get_catalog_variants(
            filter='equals(sku,"jacket-m")', fields_catalog_variant=["sku", "inventory_quantity"]
        ),
        "get_catalog_variant": lambda: catalogs.get_catalog_variant(MEDIUM),
        "update_catalog_item": lambda: catalogs.update_catalog_item(
            JACKET, update_body("jacket", "catalog-item", title="Rain jacket")
        ),
        "bulk_create_catalog_items": lambda: started("create", "items", item_body("coat")),
        "get_bulk_create_catalog_items_job": lambda: catalogs.get_bulk_create_catalog_items_job(
            jobs["create", "items"], include=["items"]
        ),
        "bulk_update_catalog_items": lambda: started(
            "update", "items", update_body("coat", "catalog-item", title="Rain coat")
        ),
        "get_bulk_update_catalog_items_job": lambda: catalogs.get_bulk_update_catalog_items_job(
            jobs["update", "items"]
        ),
        "bulk_create_catalog_variants": lambda: started(
            "create", "variants", variant_body("coat-m", "coat")
        ),
        "get_bulk_create_variants_job": lambda: catalogs.get_bulk_create_variants_job(
            jobs["create", "variants"], include=["variants"]
        ),
        "bulk_update_catalog_variants": lambda: started(
            "update", "variants", update_body("coat-m", price=3)
        ),
        "get_bulk_update_variants_job": lambda: catalogs.get_bulk_update_variants_job(
            jobs["update", "variants"]
        ),
        SERVER_OPERATION: lambda: catalogs.create_back_in_stock_subscription(body()),
        SUBSCRIBE_OPERATION: lambda: api.Profiles.bulk_subscribe_profiles(sandbox.job()),
        "update_catalog_variant": lambda: catalogs.update_catalog_variant(
            MEDIUM, update_body("jacket-m", inventory_quantity=3)
        ),
        "get_accounts": api.Accounts.get_accounts,
        "get_lists": api.Lists.get_lists,
        "get_list": lambda: api.Lists.get_list(sandbox.account.list_id),
        "get_metrics": api.Metrics.get_metrics,
        "get_flows_triggered_by_metric": lambda: api.Metrics.get_flows_triggered_by_metric(
            plain(api.Metrics.get_metrics())["data"][0]["id"]
        ),
        "get_flows": lambda: api.Flows.get_flows(filter='equals(status,"live")'),
        "get_profiles": lambda: api.Profiles.get_profiles(
            additional_fields_profile=["subscriptions"], page_size=1
        ),
    }


def test_the_sdk_makes_every_call_that_is_offered(sandbox: Running) -> None:
    """Each operation of a server's, by its own name, is accepted, and its reply fits the models.

    The SDK has no method for a browser's.
    """
    api = sdk(sandbox, sandbox.account.private_key)
    offered = sandbox.ask("POST", "/_sandbox/drills", json={"kind": "500", "operation": "none"})
    made = calls(api, sandbox)

    for call in made.values():
        call()

    assert set(made) == {name for name in offered.json()["allowed"] if "_client_" not in name}
    entries = sandbox.read("requests")
    assert {entry["operation"] for entry in entries} == set(made)
    assert [entry["operation"] for entry in entries if entry["status"] >= 400] == []
    assert [entry["problems"] for entry in entries if entry["problems"]] == []
    # the whole way: the item was found in pages, the stock came, the message went
    assert sandbox.told() == [EMAIL]


def test_the_sdk_follows_the_pages(sandbox: Running) -> None:
    """The cursor of a link leads it on."""
    api = sdk(sandbox, sandbox.account.private_key)
    sandbox.add("a", "b", "c")

    first = plain(api.Catalogs.get_catalog_variants(page_size=2))
    [cursor] = parse_qs(urlsplit(first["links"]["next"]).query)["page[cursor]"]
    second = plain(api.Catalogs.get_catalog_variants(page_size=2, page_cursor=cursor))

    skus = [each["attributes"]["sku"] for page in (first, second) for each in page["data"]]
    assert skus == ["a", "b", "c"]
