"""The catalog's items and variants: what is taken, refused, found and listed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    SHOP,
    Running,
    body,
    composite,
    item_body,
    job_body,
    update_body,
    variant_body,
    without,
)

JACKET = f"catalog-items/{quote(composite('jacket'), safe='')}"
MEDIUM = f"catalog-variants/{quote(composite('jacket-m'), safe='')}"


def error(reply: requests.Response) -> tuple[int, str, str]:
    """Return the status, code and place of a refusal."""
    [found] = reply.json()["errors"]
    source = found["source"]
    return reply.status_code, found["code"], source.get("pointer") or source.get("parameter")


def ids(reply: requests.Response) -> list[str]:
    """Return the external IDs of a listing."""
    assert reply.status_code == 200, reply.text
    return [each["id"].removeprefix(composite("")) for each in reply.json()["data"]]


def test_an_item_is_created_and_read(sandbox: Running) -> None:
    """Its ID is made from its external ID; what was left out has Klaviyo's defaults."""
    made = sandbox.api("POST", "catalog-items", item_body(image_full_url=f"{SHOP}/jacket.jpg"))
    read = sandbox.api("GET", JACKET)

    assert (made.status_code, read.status_code) == (201, 200)
    assert made.json()["data"] == read.json()["data"]
    data = read.json()["data"]
    assert (data["type"], data["id"]) == ("catalog-item", composite("jacket"))
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
        "created": "2026-11-24T12:00:00+00:00",
        "updated": "2026-11-24T12:00:00+00:00",
    }


def test_a_variant_is_created_changed_and_read(sandbox: Running) -> None:
    """A change touches what it names, and the time of the update."""
    sandbox.add("jacket-m", stock=3)
    sandbox.clock.move(60)

    changed = sandbox.api("PATCH", MEDIUM, update_body("jacket-m", price=99, title=None))

    attributes = sandbox.api("GET", MEDIUM).json()["data"]["attributes"]
    assert changed.json()["data"]["attributes"] == attributes
    assert (attributes["price"], attributes["title"]) == (99, "JACKET-M")
    assert (attributes["inventory_quantity"], attributes["inventory_policy"]) == (3, 0)
    assert attributes["created"] == "2026-11-24T12:00:00+00:00"
    assert attributes["updated"] == "2026-11-24T12:01:00+00:00"
    related = changed.json()["data"]["relationships"]["item"]["data"]
    assert related == {"type": "catalog-item", "id": composite("jacket")}


def test_an_item_is_changed(sandbox: Running) -> None:
    """An item can be renamed and hidden."""
    sandbox.api("POST", "catalog-items", item_body())

    sent = update_body("jacket", "catalog-item", title="Rain jacket", published=False)
    reply = sandbox.api("PATCH", JACKET, sent)

    attributes = reply.json()["data"]["attributes"]
    assert (attributes["title"], attributes["published"]) == ("Rain jacket", False)
    assert sandbox.api("GET", JACKET).json()["data"]["attributes"] == attributes


@pytest.mark.parametrize("odd", ["a/b", "a:::b", "50% off", "é ü", "?#"])
def test_an_odd_external_id_is_found_again(sandbox: Running, odd: str) -> None:
    """Whatever a shop uses for an ID works in an address, once it is quoted."""
    sandbox.add(odd, item=odd)

    for place in ("catalog-items", "catalog-variants"):
        reply = sandbox.api("GET", f"{place}/{quote(composite(odd), safe='')}")
        assert reply.json()["data"]["id"] == composite(odd)
        own = urlsplit(reply.json()["data"]["links"]["self"]).path.removeprefix("/api/")
        assert sandbox.api("GET", own).json()["data"]["id"] == composite(odd)


@pytest.mark.parametrize(
    ("path", "sent", "refused"),
    [
        *[
            (
                "catalog-variants",
                without(variant_body(), "data", "attributes", name),
                (400, "invalid", f"/data/attributes/{name}"),
            )
            for name in (
                "external_id",
                "title",
                "description",
                "sku",
                "inventory_quantity",
                "price",
                "url",
            )
        ],
        *[
            (
                "catalog-items",
                without(item_body(), "data", "attributes", name),
                (400, "invalid", f"/data/attributes/{name}"),
            )
            for name in ("external_id", "title", "description", "url")
        ],
        (
            "catalog-items",
            item_body(integration_type="$shopify"),
            (400, "invalid", "/data/attributes/integration_type"),
        ),
        (
            "catalog-variants",
            variant_body(catalog_type="other"),
            (400, "invalid", "/data/attributes/catalog_type"),
        ),
        (
            "catalog-variants",
            variant_body(inventory_policy=3),
            (400, "invalid", "/data/attributes/inventory_policy"),
        ),
        (
            "catalog-variants",
            variant_body(inventory_quantity="3"),
            (400, "invalid", "/data/attributes/inventory_quantity"),
        ),
        (
            "catalog-variants",
            variant_body(url="/products/jacket"),
            (400, "invalid", "/data/attributes/url"),
        ),
        (
            "catalog-variants",
            variant_body(url="javascript:alert(1)"),
            (400, "invalid", "/data/attributes/url"),
        ),
        (
            "catalog-items",
            item_body(" ", title="x"),
            (400, "invalid", "/data/attributes/external_id"),
        ),
        ("catalog-items", item_body(title=""), (400, "invalid", "/data/attributes/title")),
        ("catalog-items", item_body(colour="red"), (400, "invalid", "/data/attributes/colour")),
        (
            "catalog-variants",
            without(variant_body(), "data", "relationships"),
            (400, "invalid", "/data/relationships"),
        ),
        (
            "catalog-variants",
            without(variant_body(), "data", "relationships", "item", "data"),
            (400, "invalid", "/data/relationships/item/data"),
        ),
        (
            "catalog-variants",
            variant_body(item="coat"),
            (404, "not_found", "/data/relationships/item/data/id"),
        ),
        ("catalog-items", item_body(), (409, "duplicate", "/data/")),
        ("catalog-variants", variant_body("jacket-s"), (409, "duplicate", "/data/")),
    ],
)
def test_what_can_not_be_created(
    sandbox: Running, path: str, sent: Any, refused: tuple[int, str, str]
) -> None:
    """A missing or bad attribute, another catalog, a second of the same ID: nothing is written."""
    sandbox.add("jacket-s")
    before = [sandbox.api("GET", name).json()["data"] for name in ("catalog-items", path)]

    reply = sandbox.api("POST", path, sent)

    assert error(reply) == refused
    after = [sandbox.api("GET", name).json()["data"] for name in ("catalog-items", path)]
    assert before == after


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
        (
            "PATCH",
            MEDIUM,
            update_body("jacket-m", colour="red"),
            (400, "invalid", "/data/attributes/colour"),
        ),
        (
            "PATCH",
            f"catalog-variants/{quote(composite('no'))}",
            update_body("no"),
            (404, "not_found", "/data/"),
        ),
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
        ("GET", "catalog-items?filter=published", None, (400, "invalid", "filter")),
        ("GET", f"catalog-items?filter={'and(' * 900}", None, (400, "invalid", "filter")),
    ],
)  # fmt: skip
def test_what_can_not_be_asked(
    sandbox: Running, method: str, path: str, sent: Any, refused: tuple[int, str, str]
) -> None:
    """Unknown things, another one's ID, and parameters that the shapes don't have."""
    sandbox.add("jacket-m")

    assert error(sandbox.api(method, path, sent)) == refused


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["jacket-m", "jacket-l", "coat-m"]),
        ("sort=-created", ["coat-m", "jacket-l", "jacket-m"]),
        (f'filter=any(ids,["{composite("coat-m")}","{composite("no")}"])', ["coat-m"]),
        ('filter=equals(sku,"jacket-l")', ["jacket-l"]),
        ("filter=equals(sku,'jacket-l')", ["jacket-l"]),
        ('filter=contains(title,"jack")', ["jacket-m", "jacket-l"]),
        ("filter=equals(published,false)", ["coat-m"]),
        (f'filter=equals(item.id,"{composite("jacket")}"),contains(title,"-L")', ["jacket-l"]),
        ('filter=and(contains(title,"-M"),equals(published,true))', ["jacket-m"]),
    ],
)
def test_variants_are_filtered_and_sorted(sandbox: Running, query: str, found: list[str]) -> None:
    """By the fields and operators that Klaviyo takes."""
    for name, published in (("jacket-m", True), ("jacket-l", True), ("coat-m", False)):
        sandbox.add(name, item=name.split("-")[0], published=published)
        sandbox.clock.move(1)

    assert ids(sandbox.api("GET", f"catalog-variants?{query}")) == found


def test_a_listing_comes_in_pages(sandbox: Running) -> None:
    """Each page leads to the next and back, with the same filter and the same size."""
    sandbox.add("a", "b", "c", "d", "e")
    listing = f"{JACKET}/variants?page[size]=2"

    pages, links = [], []
    path: str | None = listing
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


def test_fields_and_variants_come_as_asked(sandbox: Running) -> None:
    """`fields` thins a resource out, `include` brings an item's variants with it."""
    sandbox.add("jacket-m", "jacket-l")

    query = "include=variants&fields[catalog-item]=title&fields[catalog-variant]=sku"
    for path in (JACKET, "catalog-items"):
        reply = sandbox.api("GET", f"{path}?{query}").json()
        data = reply["data"] if path == JACKET else reply["data"][0]
        assert data["attributes"] == {"title": "Jacket"}
        assert [each["id"] for each in data["relationships"]["variants"]["data"]] == [
            composite("jacket-m"),
            composite("jacket-l"),
        ]
        assert [each["attributes"] for each in reply["included"]] == [
            {"sku": "jacket-m"},
            {"sku": "jacket-l"},
        ]
    assert "included" not in sandbox.api("GET", JACKET).json()


def test_a_catalog_knows_its_own_variants_alone(sandbox: Running) -> None:
    """Before there is a variant any well-formed ID is known; other integrations' stay known."""
    assert sandbox.server_call(body(variant=composite("anything"))).status_code == 202

    sandbox.add("jacket-m")

    assert sandbox.server_call(body(variant=composite("jacket-m"))).status_code == 202
    assert sandbox.server_call(body(variant="$shopify:::$default:::1")).status_code == 202
    for call in (sandbox.server_call, sandbox.browser_call):
        assert error(call(body(variant=composite("jacket")))) == (
            404,
            "variant_not_found",
            "/data/relationships/variant/data/id",
        )


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", "catalog-variants", "350, 350;w=1, 3500;w=60"),
        ("GET", "catalog-items/x", "350, 350;w=1, 3500;w=60"),
        ("POST", "catalog-items", "75, 75;w=1, 750;w=60"),
        ("PATCH", "catalog-variants/x", "75, 75;w=1, 750;w=60"),
        ("POST", "catalog-variant-bulk-update-jobs", "75, 75;w=1, 750;w=60"),
        ("GET", "accounts", "1, 1;w=1, 15;w=60"),
        ("GET", "flows", "3, 3;w=1, 60;w=60"),
    ],
)
def test_each_operation_has_its_limits(
    sandbox: Running, method: str, path: str, limit: str
) -> None:
    """As Klaviyo publishes them."""
    reply = sandbox.api(method, path, {} if method != "GET" else None)

    assert reply.headers["RateLimit-Limit"] == limit


def test_writes_are_throttled(sandbox: Running) -> None:
    """The seventy-sixth change in a second is a 429; reads go on."""
    sandbox.add("jacket-m")
    for quantity in range(75):
        sandbox.stock("jacket-m", quantity)

    reply = sandbox.api("PATCH", MEDIUM, update_body("jacket-m", inventory_quantity=99))

    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "1")
    assert sandbox.api("GET", MEDIUM).json()["data"]["attributes"]["inventory_quantity"] == 74


def test_a_bulk_job_creates_and_is_asked_about(sandbox: Running) -> None:
    """It is queued at first and complete later, and names what it wrote."""
    items = job_body("create", "items", item_body("jacket"), item_body("coat"))
    assert sandbox.api("POST", "catalog-item-bulk-create-jobs", items).status_code == 202
    variants = job_body("create", "variants", variant_body("jacket-m"), variant_body("jacket-l"))

    made = sandbox.api("POST", "catalog-variant-bulk-create-jobs", variants)

    job = made.json()["data"]
    assert (made.status_code, job["attributes"]["status"]) == (202, "queued")
    query = "include=variants&fields[catalog-variant]=sku"
    read = sandbox.api("GET", f"catalog-variant-bulk-create-jobs/{job['id']}?{query}").json()
    attributes = read["data"]["attributes"]
    assert (attributes["status"], attributes["completed_count"]) == ("complete", 2)
    assert (attributes["total_count"], attributes["failed_count"], attributes["errors"]) == (
        2,
        0,
        [],
    )
    assert [each["attributes"]["sku"] for each in read["included"]] == ["jacket-m", "jacket-l"]
    assert ids(sandbox.api("GET", "catalog-items")) == ["jacket", "coat"]
    assert ids(sandbox.api("GET", "catalog-variants")) == ["jacket-m", "jacket-l"]


def test_a_bulk_job_changes_what_it_can(sandbox: Running) -> None:
    """What can't be written is among the job's errors, with its place in the body."""
    sandbox.add("jacket-m", "jacket-l")
    sent = job_body(
        "update",
        "variants",
        update_body("jacket-m", price=1),
        update_body("no", price=1),
        update_body("jacket-l", url="x"),
    )

    made = sandbox.api("POST", "catalog-variant-bulk-update-jobs", sent).json()["data"]

    attributes = sandbox.api("GET", f"catalog-variant-bulk-update-jobs/{made['id']}").json()[
        "data"
    ]["attributes"]
    assert (attributes["completed_count"], attributes["failed_count"]) == (1, 2)
    assert [each["source"]["pointer"] for each in attributes["errors"]] == [
        "/data/attributes/variants/data/1/id",
        "/data/attributes/variants/data/2/attributes/url",
    ]
    assert sandbox.api("GET", MEDIUM).json()["data"]["attributes"]["price"] == 1
    assert len(sandbox.notes()) == 0
    assert len(sandbox.read("requests")[-3]["notes"]) == 2


def test_a_bulk_job_changes_items(sandbox: Running) -> None:
    """Items can be renamed in bulk, and created ones that are there already are errors."""
    sandbox.api("POST", "catalog-items", item_body())
    sent = job_body("update", "items", update_body("jacket", "catalog-item", title="Rain jacket"))

    changed = sandbox.api("POST", "catalog-item-bulk-update-jobs", sent)
    again = sandbox.api(
        "POST", "catalog-item-bulk-create-jobs", job_body("create", "items", item_body())
    )

    assert (changed.status_code, again.status_code) == (202, 202)
    assert sandbox.api("GET", JACKET).json()["data"]["attributes"]["title"] == "Rain jacket"
    job = f"catalog-item-bulk-create-jobs/{again.json()['data']['id']}?include=items"
    read = sandbox.api("GET", job).json()
    assert [each["code"] for each in read["data"]["attributes"]["errors"]] == ["duplicate"]
    assert read["included"] == []


@pytest.mark.parametrize("number", [0, 101])
def test_a_bulk_job_has_a_size(sandbox: Running, number: int) -> None:
    """From one to a hundred."""
    sent = job_body("create", "items", *[item_body(str(each)) for each in range(number)])

    reply = sandbox.api("POST", "catalog-item-bulk-create-jobs", sent)

    assert error(reply) == (400, "invalid", "/data/attributes/items/data")


def test_a_job_is_known_for_a_week_under_its_own_kind(sandbox: Running) -> None:
    """Another kind's address doesn't have it, nor has its own when it has expired."""
    sent = job_body("create", "items", *[item_body(str(each)) for each in range(100)])
    job = sandbox.api("POST", "catalog-item-bulk-create-jobs", sent).json()["data"]["id"]

    assert sandbox.api("GET", f"catalog-item-bulk-create-jobs/{job}").status_code == 200
    assert sandbox.api("GET", f"catalog-item-bulk-update-jobs/{job}").status_code == 404
    sandbox.clock.move(7 * 24 * 3600)
    assert sandbox.api("GET", f"catalog-item-bulk-create-jobs/{job}").status_code == 404


def test_who_waited_before_there_was_a_catalog_waits_on(sandbox: Running) -> None:
    """A variant that is created with stock counts as restocked."""
    sandbox.sign_up(EMAIL)

    sandbox.add("jacket-m", stock=2)

    assert sandbox.told() == [EMAIL]
