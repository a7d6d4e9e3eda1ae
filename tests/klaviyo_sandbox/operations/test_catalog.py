"""Catalog items and variants: how they are created, updated, read, filtered and listed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    NOON,
    SHOP,
    RunningSandbox,
    body,
    composite_id,
    error_of,
    item_body,
    job_body,
    update_body,
    variant_body,
    without,
)

JACKET = f"catalog-items/{quote(composite_id('jacket'), safe='')}"
MEDIUM = f"catalog-variants/{quote(composite_id('jacket-m'), safe='')}"
ITEM_JOBS = "catalog-item-bulk-create-jobs"
READS, WRITES = "350, 350;w=1, 3500;w=60", "75, 75;w=1, 750;w=60"


def ids(reply: requests.Response) -> list[str]:
    """Return the external IDs in a listing."""
    assert reply.status_code == 200, reply.text
    return [entry["id"].removeprefix(composite_id("")) for entry in reply.json()["data"]]


def attributes_of(reply: requests.Response) -> dict[str, Any]:
    """Return the attributes of the resource in a reply."""
    attributes: dict[str, Any] = reply.json()["data"]["attributes"]
    return attributes


def test_item_is_created(sandbox: RunningSandbox) -> None:
    """Missing attributes get Klaviyo's defaults."""
    created = sandbox.api("POST", "catalog-items", item_body(image_full_url=f"{SHOP}/jacket.jpg"))
    read = sandbox.api("GET", JACKET)

    assert (created.status_code, read.status_code) == (201, 200)
    data = read.json()["data"]
    assert created.json()["data"] == data
    assert (data["type"], data["id"]) == ("catalog-item", composite_id("jacket"))
    assert data["attributes"] == {
        "external_id": "jacket",
        "title": "Jacket",
        "description": "It keeps the rain out.",
        "price": None,
        "url": f"{SHOP}/products/jacket",
        "image_full_url": f"{SHOP}/jacket.jpg",
        "image_thumbnail_url": f"{SHOP}/jacket.jpg",
        "images": [],
        "custom_metadata": {},
        "published": True,
        "created": NOON,
        "updated": NOON,
    }


def test_variant_is_updated(sandbox: RunningSandbox) -> None:
    """Only the given attributes change."""
    sandbox.add("jacket-m", stock=3)
    sandbox.clock.move(60)

    updated = sandbox.api("PATCH", MEDIUM, update_body("jacket-m", price=99, title=None))

    attributes = attributes_of(sandbox.api("GET", MEDIUM))
    assert attributes_of(updated) == attributes
    assert (attributes["price"], attributes["title"]) == (99, "JACKET-M")
    assert (attributes["inventory_quantity"], attributes["inventory_policy"]) == (3, 0)
    assert attributes["created"] == NOON
    assert attributes["updated"] == "2026-11-24T12:01:00+00:00"
    item = updated.json()["data"]["relationships"]["item"]["data"]
    assert item == {"type": "catalog-item", "id": composite_id("jacket")}


def test_item_is_updated(sandbox: RunningSandbox) -> None:
    sandbox.api("POST", "catalog-items", item_body())

    sent = update_body("jacket", "catalog-item", title="Rain jacket", published=False)
    attributes = attributes_of(sandbox.api("PATCH", JACKET, sent))

    assert (attributes["title"], attributes["published"]) == ("Rain jacket", False)
    assert attributes_of(sandbox.api("GET", JACKET)) == attributes


@pytest.mark.parametrize("external_id", ["a/b", "a:::b", "50% off", "é ü", "?#"])
def test_external_id_may_contain_special_characters(
    sandbox: RunningSandbox, external_id: str
) -> None:
    sandbox.add(external_id, item=external_id)

    for collection in ("catalog-items", "catalog-variants"):
        path = f"{collection}/{quote(composite_id(external_id), safe='')}"
        data = sandbox.api("GET", path).json()["data"]
        assert data["id"] == composite_id(external_id)
        own_path = urlsplit(data["links"]["self"]).path.removeprefix("/api/")
        assert sandbox.api("GET", own_path).json()["data"]["id"] == composite_id(external_id)


def bad_attribute(path: str, sent: Any, name: str) -> tuple[str, Any, tuple[int, str, str]]:
    """Return a test case: a body with a bad attribute, and the expected error."""
    return path, sent, (400, "invalid", f"/data/attributes/{name}")


ITEMS, VARIANTS = "catalog-items", "catalog-variants"


@pytest.mark.parametrize(
    ("path", "sent", "refused"),
    [
        *[
            bad_attribute(VARIANTS, without(variant_body(), "data", "attributes", name), name)
            for name in ("external_id", "title", "description", "sku", "inventory_quantity",
                         "price", "url")
        ],
        *[
            bad_attribute(ITEMS, without(item_body(), "data", "attributes", name), name)
            for name in ("external_id", "title", "description", "url")
        ],
        bad_attribute(ITEMS, item_body(integration_type="$shopify"), "integration_type"),
        bad_attribute(VARIANTS, variant_body(catalog_type="other"), "catalog_type"),
        bad_attribute(VARIANTS, variant_body(inventory_policy=3), "inventory_policy"),
        bad_attribute(VARIANTS, variant_body(inventory_quantity="3"), "inventory_quantity"),
        bad_attribute(VARIANTS, variant_body(url="/products/jacket"), "url"),
        bad_attribute(VARIANTS, variant_body(url="javascript:alert(1)"), "url"),
        bad_attribute(ITEMS, item_body(" ", title="x"), "external_id"),
        bad_attribute(ITEMS, item_body(title=""), "title"),
        bad_attribute(ITEMS, item_body(colour="red"), "colour"),
        (VARIANTS, without(variant_body(), "data", "relationships"),
         (400, "invalid", "/data/relationships")),
        (VARIANTS, without(variant_body(), "data", "relationships", "item", "data"),
         (400, "invalid", "/data/relationships/item/data")),
        (VARIANTS, variant_body(item="coat"),
         (404, "not_found", "/data/relationships/item/data/id")),
        (ITEMS, item_body(), (409, "duplicate", "/data/")),
        (VARIANTS, variant_body("jacket-s"), (409, "duplicate", "/data/")),
    ],
)  # fmt: skip
def test_invalid_creation_is_refused(
    sandbox: RunningSandbox, path: str, sent: Any, refused: tuple[int, str, str]
) -> None:
    sandbox.add("jacket-s")
    before = [sandbox.api("GET", collection).json() for collection in (ITEMS, VARIANTS)]

    assert error_of(sandbox.api("POST", path, sent)) == refused

    assert [sandbox.api("GET", collection).json() for collection in (ITEMS, VARIANTS)] == before


@pytest.mark.parametrize(
    ("method", "path", "sent", "refused"),
    [
        ("GET", "catalog-items/x", None, (404, "not_found", "/data/")),
        ("GET", "catalog-items/x/variants", None, (404, "not_found", "/data/")),
        ("GET", "catalog-variants/x", None, (404, "not_found", "/data/")),
        ("PATCH", MEDIUM, update_body("jacket-l", price=1), (400, "invalid", "/data/id")),
        ("PATCH", JACKET, update_body("coat", "catalog-item"), (400, "invalid", "/data/id")),
        ("PATCH", MEDIUM, update_body("jacket-m", url="x"),
         (400, "invalid", "/data/attributes/url")),
        ("PATCH", MEDIUM, update_body("jacket-m", colour="red"),
         (400, "invalid", "/data/attributes/colour")),
        ("PATCH", "catalog-variants/no", update_body("no"), (404, "not_found", "/data/")),
        ("GET", "catalog-items?page[size]=0", None, (400, "invalid", "page[size]")),
        ("GET", "catalog-items?page[size]=101", None, (400, "invalid", "page[size]")),
        ("GET", "catalog-items?page[cursor]=zzz", None, (400, "invalid", "page[cursor]")),
        ("GET", "catalog-items?sort=title", None, (400, "invalid", "sort")),
        ("GET", "catalog-items?include=item", None, (400, "invalid", "include")),
        ("GET", "catalog-items?colour=red", None, (400, "invalid", "colour")),
        ("GET", "catalog-variants?fields[catalog-variant]=x", None,
         (400, "invalid", "fields[catalog-variant]")),
        ("GET", 'catalog-items?filter=equals(title,"x")', None, (400, "invalid", "filter")),
        ("GET", 'catalog-items?filter=contains(sku,"x")', None, (400, "invalid", "filter")),
        ("GET", "catalog-items?filter=any(ids,3)", None, (400, "invalid", "filter")),
        ("GET", 'catalog-items?filter=contains(title,["x"])', None, (400, "invalid", "filter")),
        ("GET", "catalog-items?filter=published", None, (400, "invalid", "filter")),
        ("GET", f"catalog-items?filter={'and(' * 900}", None, (400, "invalid", "filter")),
    ],
)  # fmt: skip
def test_invalid_call_is_refused(
    sandbox: RunningSandbox, method: str, path: str, sent: Any, refused: tuple[int, str, str]
) -> None:
    sandbox.add("jacket-m")

    assert error_of(sandbox.api(method, path, sent)) == refused


def test_variants_are_filtered_and_sorted(sandbox: RunningSandbox) -> None:
    for name, published in (("jacket-m", True), ("jacket-l", True), ("coat-m", False)):
        sandbox.add(name, item=name.split("-")[0], published=published)
        sandbox.clock.move(1)
    expected = {
        "": ["jacket-m", "jacket-l", "coat-m"],
        "sort=-created": ["coat-m", "jacket-l", "jacket-m"],
        f'filter=any(ids,["{composite_id("coat-m")}","{composite_id("no")}"])': ["coat-m"],
        'filter=equals(sku,"jacket-l")': ["jacket-l"],
        "filter=equals(sku,'jacket-l')": ["jacket-l"],
        r'filter=equals(sku,"jacket\-l")': ["jacket-l"],
        'filter=equals(sku,"),")': [],
        'filter=contains(title,"jack")': ["jacket-m", "jacket-l"],
        "filter=equals(published,false)": ["coat-m"],
        f'filter=equals(item.id,"{composite_id("jacket")}"), contains(title,"-L")': ["jacket-l"],
        'filter=and( contains(title,"-M"), equals(published, true) )': ["jacket-m"],
        'filter=and(contains(title,"-M")),equals(published,true)': ["jacket-m"],
    }

    found = {query: ids(sandbox.api("GET", f"catalog-variants?{query}")) for query in expected}

    assert found == expected


def test_listing_is_paginated(sandbox: RunningSandbox) -> None:
    sandbox.add("a", "b", "c", "d", "e")

    pages, links = [], []
    path: str | None = f"{JACKET}/variants?page[size]=2"
    while path:
        reply = sandbox.api("GET", path)
        pages.append(ids(reply))
        links.append(reply.json()["links"])
        following = links[-1]["next"]
        path = following and following.removeprefix(f"{sandbox.url}/api/")

    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert [link["prev"] is None for link in links] == [True, False, False]
    back = links[2]["prev"].removeprefix(f"{sandbox.url}/api/")
    assert ids(sandbox.api("GET", back)) == ["c", "d"]


def test_fields_and_variants_are_returned_on_request(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", "jacket-l")

    query = "include=variants&fields[catalog-item]=title&fields[catalog-variant]=sku"
    for path in (JACKET, "catalog-items"):
        reply = sandbox.api("GET", f"{path}?{query}").json()
        data = reply["data"] if path == JACKET else reply["data"][0]
        assert data["attributes"] == {"title": "Jacket"}
        variants = [variant["id"] for variant in data["relationships"]["variants"]["data"]]
        assert variants == [composite_id("jacket-m"), composite_id("jacket-l")]
        included = [variant["attributes"] for variant in reply["included"]]
        assert included == [{"sku": "jacket-m"}, {"sku": "jacket-l"}]
    assert "included" not in sandbox.api("GET", JACKET).json()


def test_sign_up_needs_a_variant_in_the_catalog(sandbox: RunningSandbox) -> None:
    """IDs of other integrations, and any IDs while the catalog is empty, are accepted."""
    assert sandbox.server_call(body(variant=composite_id("anything"))).status_code == 202

    sandbox.add("jacket-m")

    assert sandbox.server_call(body(variant=composite_id("jacket-m"))).status_code == 202
    assert sandbox.server_call(body(variant="$shopify:::$default:::1")).status_code == 202
    for call in (sandbox.server_call, sandbox.browser_call):
        reply = call(body(variant=composite_id("jacket")))
        pointer = "/data/relationships/variant/data/id"
        assert error_of(reply) == (404, "variant_not_found", pointer)


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", "catalog-variants", READS),
        ("GET", "catalog-items/x", READS),
        ("POST", "catalog-items", WRITES),
        ("PATCH", "catalog-variants/x", WRITES),
        ("POST", "catalog-variant-bulk-update-jobs", WRITES),
        ("POST", "profile-subscription-bulk-create-jobs", WRITES),
        ("GET", "lists", WRITES),
        ("GET", "accounts", "1, 1;w=1, 15;w=60"),
        ("GET", "flows", "3, 3;w=1, 60;w=60"),
    ],
)
def test_operations_have_klaviyos_limits(
    sandbox: RunningSandbox, method: str, path: str, limit: str
) -> None:
    reply = sandbox.api(method, path, {} if method != "GET" else None)

    assert reply.headers["RateLimit-Limit"] == limit


def test_bulk_job_creates_entries(sandbox: RunningSandbox) -> None:
    """The first reply says that the job is queued, and later replies that it is complete."""
    items = job_body("create", "items", item_body("jacket"), item_body("coat"))
    assert sandbox.api("POST", ITEM_JOBS, items).status_code == 202
    variants = job_body("create", "variants", variant_body("jacket-m"), variant_body("jacket-l"))

    created = sandbox.api("POST", "catalog-variant-bulk-create-jobs", variants)

    job = created.json()["data"]
    assert (created.status_code, job["attributes"]["status"]) == (202, "queued")
    query = "include=variants&fields[catalog-variant]=sku"
    read = sandbox.api("GET", f"catalog-variant-bulk-create-jobs/{job['id']}?{query}").json()
    attributes = read["data"]["attributes"]
    assert (attributes["status"], attributes["total_count"]) == ("complete", 2)
    assert (attributes["completed_count"], attributes["failed_count"]) == (2, 0)
    assert attributes["errors"] == []
    assert [entry["attributes"]["sku"] for entry in read["included"]] == ["jacket-m", "jacket-l"]
    assert ids(sandbox.api("GET", "catalog-items")) == ["jacket", "coat"]
    assert ids(sandbox.api("GET", "catalog-variants")) == ["jacket-m", "jacket-l"]


def test_bulk_job_reports_what_it_cannot_write(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", "jacket-l")
    sent = job_body(
        "update",
        "variants",
        update_body("jacket-m", price=1),
        update_body("no", price=1),
        update_body("jacket-l", url="x"),
    )

    job = sandbox.api("POST", "catalog-variant-bulk-update-jobs", sent).json()["data"]
    assert len(sandbox.notes()) == 2

    attributes = attributes_of(sandbox.api("GET", f"catalog-variant-bulk-update-jobs/{job['id']}"))
    assert (attributes["completed_count"], attributes["failed_count"]) == (1, 2)
    assert [error["source"]["pointer"] for error in attributes["errors"]] == [
        "/data/attributes/variants/data/1/id",
        "/data/attributes/variants/data/2/attributes/url",
    ]
    assert attributes_of(sandbox.api("GET", MEDIUM))["price"] == 1


def test_bulk_jobs_update_items_and_refuse_duplicates(sandbox: RunningSandbox) -> None:
    sandbox.api("POST", "catalog-items", item_body())
    sent = job_body("update", "items", update_body("jacket", "catalog-item", title="Rain jacket"))

    assert sandbox.api("POST", "catalog-item-bulk-update-jobs", sent).status_code == 202
    again = sandbox.api("POST", ITEM_JOBS, job_body("create", "items", item_body()))

    assert again.status_code == 202
    assert attributes_of(sandbox.api("GET", JACKET))["title"] == "Rain jacket"
    job = sandbox.api("GET", f"{ITEM_JOBS}/{again.json()['data']['id']}?include=items").json()
    assert [error["code"] for error in job["data"]["attributes"]["errors"]] == ["duplicate"]
    assert job["included"] == []


@pytest.mark.parametrize("number", [0, 101])
def test_bulk_job_accepts_up_to_a_hundred_entries(sandbox: RunningSandbox, number: int) -> None:
    sent = job_body("create", "items", *[item_body(str(index)) for index in range(number)])

    reply = sandbox.api("POST", ITEM_JOBS, sent)

    assert error_of(reply) == (400, "invalid", "/data/attributes/items/data")


def test_bulk_job_can_be_read_for_a_week(sandbox: RunningSandbox) -> None:
    sent = job_body("create", "items", *[item_body(str(index)) for index in range(100)])
    job = sandbox.api("POST", ITEM_JOBS, sent).json()["data"]["id"]

    assert sandbox.api("GET", f"{ITEM_JOBS}/{job}").status_code == 200
    assert sandbox.api("GET", f"catalog-item-bulk-update-jobs/{job}").status_code == 404
    sandbox.clock.move(7 * 24 * 3600)
    assert sandbox.api("GET", f"{ITEM_JOBS}/{job}").status_code == 404


def test_variant_created_with_stock_is_a_restock(sandbox: RunningSandbox) -> None:
    """Shoppers may have signed up before the variant was added to the catalog."""
    sandbox.sign_up(EMAIL)

    sandbox.add("jacket-m", stock=2)

    assert sandbox.recipients() == [EMAIL]
