"""Klaviyo's Python SDK calls the sandbox as it would call Klaviyo."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException

from klaviyo_sandbox.protocol import spec
from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    SERVER_OPERATION,
    SUBSCRIBE_OPERATION,
    RunningSandbox,
    body,
    composite_id,
    item_body,
    job_body,
    update_body,
    variant_body,
)
from tests.sdk_models import REVISION, differences

JACKET, MEDIUM = composite_id("jacket"), composite_id("jacket-m")


def sdk(sandbox: RunningSandbox, key: str | None = None) -> KlaviyoAPI:
    """Return the SDK, configured for the sandbox."""
    return KlaviyoAPI(key or sandbox.account.private_key, max_retries=0, test_host=sandbox.url)


def test_errors_are_the_sdks_exceptions(sandbox: RunningSandbox) -> None:
    unknown_list = sandbox.job()
    unknown_list["data"]["relationships"]["list"]["data"]["id"] = "NOLIST"

    with pytest.raises(ApiException) as wrong_key:
        sdk(sandbox, "pk_wrong").Catalogs.create_back_in_stock_subscription(body())
    with pytest.raises(ApiException) as bad_list:
        sdk(sandbox).Profiles.bulk_subscribe_profiles(unknown_list)
    with pytest.raises(ApiException) as no_list:
        sdk(sandbox).Lists.get_list("NOLIST")

    assert (wrong_key.value.status, bad_list.value.status) == (401, 400)
    assert "/data/relationships/list/data/id" in str(bad_list.value.body)
    assert no_list.value.status == 404


def as_json(reply: Any) -> Any:
    """Return a reply as JSON, whether the SDK returned its model or a dictionary."""
    return reply if isinstance(reply, dict) else reply.to_dict()


def calls(api: KlaviyoAPI, sandbox: RunningSandbox) -> dict[str, Callable[[], Any]]:
    """Return a call for each operation by its name, in an order that works."""
    catalogs, jobs = api.Catalogs, {}

    def start(action: str, plural: str, *bodies: dict[str, Any]) -> None:
        call = getattr(catalogs, f"bulk_{action}_catalog_{plural}")
        jobs[action, plural] = as_json(call(job_body(action, plural, *bodies)))["data"]["id"]

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
        "bulk_create_catalog_items": lambda: start("create", "items", item_body("coat")),
        "get_bulk_create_catalog_items_job": lambda: catalogs.get_bulk_create_catalog_items_job(
            jobs["create", "items"], include=["items"]
        ),
        "bulk_update_catalog_items": lambda: start(
            "update", "items", update_body("coat", "catalog-item", title="Rain coat")
        ),
        "get_bulk_update_catalog_items_job": lambda: catalogs.get_bulk_update_catalog_items_job(
            jobs["update", "items"]
        ),
        "bulk_create_catalog_variants": lambda: start(
            "create", "variants", variant_body("coat-m", "coat")
        ),
        "get_bulk_create_variants_job": lambda: catalogs.get_bulk_create_variants_job(
            jobs["create", "variants"], include=["variants"]
        ),
        "bulk_update_catalog_variants": lambda: start(
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
            as_json(api.Metrics.get_metrics())["data"][0]["id"]
        ),
        "get_flows": lambda: api.Flows.get_flows(filter='equals(status,"live")'),
        "get_brand_buttons": api.Brands.get_brand_buttons,
        "get_brand_colors": api.Brands.get_brand_colors,
        "get_brand_logos": lambda: api.Brands.get_brand_logos(include=["image"]),
        "get_brand_email_defaults": lambda: api.Brands.get_brand_email_defaults(
            include=["brand-button", "brand-logo"]
        ),
        "get_profiles": lambda: api.Profiles.get_profiles(
            additional_fields_profile=["subscriptions"], page_size=1
        ),
    }


def test_every_operation_works_with_the_sdk(sandbox: RunningSandbox) -> None:
    """Calls are accepted without problems, and replies match the SDK's models.

    The SDK has no methods for the browser's operations.
    """
    drill = {"kind": "500", "operation": "none"}
    allowed = sandbox.request("POST", "/_sandbox/drills", json=drill).json()["allowed"]
    sdk_calls = calls(sdk(sandbox), sandbox)

    for call in sdk_calls.values():
        call()

    assert set(sdk_calls) == {name for name in allowed if "_client_" not in name}
    entries = sandbox.read("requests")
    assert {entry["operation"] for entry in entries} == set(sdk_calls)
    assert [entry["operation"] for entry in entries if entry["status"] >= 400] == []
    assert [entry["problems"] for entry in entries if entry["problems"]] == []
    assert entries[0]["headers"]["Revision"] == REVISION == spec.REVISION
    for entry in entries:
        assert differences(entry["operation"], entry["body"], entry["reply"]) == []
    assert sandbox.recipients() == [EMAIL]
    assert sandbox.consent("email")["status"] == "subscribed"


def test_sdk_follows_cursors(sandbox: RunningSandbox) -> None:
    api = sdk(sandbox)
    sandbox.add("a", "b", "c")

    first = as_json(api.Catalogs.get_catalog_variants(page_size=2))
    [cursor] = parse_qs(urlsplit(first["links"]["next"]).query)["page[cursor]"]
    second = as_json(api.Catalogs.get_catalog_variants(page_size=2, page_cursor=cursor))

    skus = [entry["attributes"]["sku"] for page in (first, second) for entry in page["data"]]
    assert skus == ["a", "b", "c"]
