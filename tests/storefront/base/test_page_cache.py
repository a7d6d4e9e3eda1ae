"""Rendered pages are reused while the catalog is unchanged, and never when it has changed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, template_rendered
from jinja2 import Template

from storefront import db
from storefront.base import page_cache
from tests.notify_me.running_shop import Postgres
from tests.sites import load_catalog
from tests.storefront.conftest import close, make_shop

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
FORM = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M"
FRAGMENT = {"X-Notify-Me": "1"}
OWN = {"Cookie": "account=1"}
"""A cookie that may make pages personal, so they never come from the cache."""
CHANGES = {
    "stock": "UPDATE shop_variant SET quantity = 9 WHERE sku = 'HAAR-OIL-M'",
    "sold out": "UPDATE shop_variant SET quantity = 0 WHERE sku LIKE 'HAAR-%'",
    "deleted variant": "DELETE FROM shop_variant WHERE sku = 'HAAR-KEL-S'",
    "product": "UPDATE shop_product SET title = 'Haar Anorak' WHERE handle = 'haar-parka'",
    "option": """UPDATE shop_option SET name = 'Tint' WHERE name = 'Colour'""",
    "import": """INSERT INTO shop_import (id, file, imported_at, departments, shop_name)
        VALUES (1, 'a.csv', '2026-01-01', '[]', 'Kwpax')""",
    "changed import": "UPDATE shop_import SET shop_name = 'Kwpaxer'",
    "deleted import": "DELETE FROM shop_import",
}
"""SQL statements, run in this order. Each changes the parka's page."""


def shop(database: Path, url: str = "") -> Flask:
    more = {"DATABASE_URL": url} if url else {}
    return make_shop(database, DEMO="0", NOTIFY_ME_LANGUAGES__OFFERED="en,de,fr", **more)


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path) -> Iterator[Flask]:
    """A shop that isn't a demo."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = shop(tmp_path / "shop.db")
    yield app
    close(app)


POSTGRESQL = pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.process])


@pytest.fixture(params=["sqlite", POSTGRESQL])
def two_shops(
    request: pytest.FixtureRequest, tmp_path: Path, catalog_db: Path
) -> Iterator[tuple[Flask, Flask]]:
    """Two processes of a shop, as far as the cache is concerned."""
    database, url = tmp_path / "shop.db", ""
    if request.param == "postgresql":
        cluster: Postgres = request.getfixturevalue("postgres")
        url = cluster.database(f"pages{os.urandom(4).hex()}")
    else:
        shutil.copy(catalog_db, database)
    apps = shop(database, url), shop(database, url)
    if url:
        load_catalog(apps[0])
    yield apps
    for app in apps:
        close(app)


@pytest.fixture
def rendered() -> Iterator[list[str]]:
    """The names of the templates that were rendered."""
    names: list[str] = []

    def note(_app: Flask, template: Template, **_more: object) -> None:
        names.append(template.name or "")

    with template_rendered.connected_to(note):
        yield names


def test_pages_show_what_is_committed(two_shops: tuple[Flask, Flask]) -> None:
    """Each process shows a committed change, even if another process or program made it."""
    clients = [app.test_client(use_cookies=False) for app in two_shops]
    before = clients[0].get(PARKA)
    for name, statement in CHANGES.items():
        with two_shops[0].app_context(), db.engine.connect() as connection:
            connection.execute(sa.text(statement))
            uncommitted = [client.get(PARKA).data for client in clients]
            connection.commit()
        etag = {"If-None-Match": before.headers["ETag"]}
        after = [client.get(PARKA, headers=etag) for client in clients]
        fresh = clients[0].get(PARKA, headers=OWN)
        assert (name, uncommitted) == (name, [before.data] * 2)
        assert (name, [page.status_code for page in after]) == (name, [200, 200])
        assert (name, [page.data for page in after]) == (name, [fresh.data] * 2)
        forms = [client.get(FORM, headers=FRAGMENT).data for client in clients]
        assert (name, forms) == (name, [clients[0].get(FORM, headers=FRAGMENT | OWN).data] * 2)
        before = fresh


@pytest.mark.parametrize("two_shops", [POSTGRESQL], indirect=True)
def test_orders_on_postgresql_dont_wait_for_each_other(two_shops: tuple[Flask, Flask]) -> None:
    """Two open transactions change different variants of one product."""
    first, second = (app.app_context() for app in two_shops)
    with first, db.engine.connect() as one:
        one.execute(sa.text(CHANGES["stock"]))
        with second, db.engine.connect() as two:
            two.execute(sa.text(CHANGES["deleted variant"]))
            two.commit()
        one.commit()
    page = two_shops[1].test_client().get(PARKA).text
    assert "HAAR-KEL-S" not in page
    assert "Add to cart" in page


@pytest.mark.parametrize("url", ["/", "/?category=wear&sort=name", "/?q=wool", PARKA])
def test_unchanged_page_is_not_rendered_again(app: Flask, rendered: list[str], url: str) -> None:
    client = app.test_client(use_cookies=False)
    first = client.get(url)
    rendered.clear()

    again = client.get(url)
    revalidated = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    with_scripts = client.get(url, headers={"Cookie": "__kla_id=e30; _ga=GA1"})

    assert again.data == first.data
    for header in {*first.headers.keys()} - {"Date"}:
        assert again.headers[header] == first.headers[header]
    assert (revalidated.status_code, revalidated.data) == (304, b"")
    assert with_scripts.data == first.data
    assert rendered == []


@pytest.mark.parametrize("headers", [FRAGMENT, {"X-Notify-Me": "page"}, {}])
def test_unchanged_form_is_not_rendered_again(
    app: Flask, rendered: list[str], headers: dict[str, str]
) -> None:
    client = app.test_client(use_cookies=False)
    first = client.get(FORM, headers=headers)
    other = client.get(FORM, headers={} if headers else FRAGMENT)
    rendered.clear()

    again = client.get(FORM, headers=headers)
    assert rendered == []
    assert again.data == first.data != other.data
    for header in {*first.headers.keys()} - {"Date"}:
        assert again.headers[header] == first.headers[header]
    assert again.headers["Cache-Control"] == "private, no-store"

    client.get(FORM, headers=headers | OWN)
    assert len(rendered) == 1


def test_confirmation_is_not_stored(app: Flask, rendered: list[str]) -> None:
    client = app.test_client(use_cookies=False)
    sign_up = {"channels": "EMAIL", "email": "ada@example.org"}
    confirmation = client.post(FORM, data=sign_up).headers["Location"]
    client.get(confirmation)
    rendered.clear()

    client.get(confirmation)

    assert rendered == ["notify_me/form_page.html"]


def test_products_in_a_confirmation_depend_on_catalog_and_language(
    app: Flask, rendered: list[str]
) -> None:
    client = app.test_client(use_cookies=False)

    def shown(url: str) -> str:
        reply = client.post(url, data={"channels": "EMAIL", "email": "ada@example.org"})
        return client.get(reply.headers["Location"]).text

    shown(FORM)
    rendered.clear()
    assert "Plowter Boots" in (page := shown(FORM))
    assert 'href="/products/plowter-boots"' in page
    assert 'href="/products/plowter-boots?lang=de"' in shown(f"{FORM}?lang=de")
    assert rendered.count("shop/_other_products.html") == 1

    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE shop_product SET title = 'Boots for the garden'"))
    assert "Boots for the garden" in shown(FORM)


def test_visitors_with_the_same_item_count_share_pages(app: Flask, rendered: list[str]) -> None:
    """Pages show how many items are in the cart, but not which items."""
    url = "/products/haar-parka"
    carts = [("HAAR-KEL-L", 2), ("HAAR-OIL-L", 2), ("HAAR-KEL-L", 1)]
    pages = []
    for sku, quantity in carts:
        shopper = app.test_client()
        shopper.post("/cart", data={"sku": sku, "quantity": quantity})
        pages.append(shopper.get(url).text)
    pages.append(app.test_client().get(url).text)

    counts = [re.findall(r"cart-link__count\">(\d+)", page) for page in pages]
    assert counts == [["2"], ["2"], ["1"], []]
    assert rendered == ["shop/product.html"] * 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"headers": {"Accept-Language": "de"}}, {"headers": {"Accept-Language": "en"}}),
        ({"headers": {"Cookie": "lang=de"}}, {"headers": {"Cookie": "lang=fr"}}),
        ({"query_string": {"lang": "de"}}, {"headers": {"Accept-Language": "de"}}),
        ({"base_url": "https://shop.example"}, {"base_url": "https://shop.test"}),
        ({"base_url": "https://shop.example"}, {"base_url": "http://shop.example"}),
    ],
)
def test_pages_of_other_languages_and_hosts_are_not_mixed_up(
    app: Flask, one: dict[str, object], other: dict[str, object]
) -> None:
    pages = [
        app.test_client(use_cookies=False).get("/products/haar-parka", **more).data
        for more in (one, other, one, other)
    ]

    assert pages[0] != pages[1]
    assert pages[:2] == pages[2:]


@pytest.mark.parametrize(
    ("max_bytes", "renderings"),
    [
        (1_000_000, 2),
        (30_000, 3),  # there is room for only one page, so the other page replaces it
        (1_000, 4),
    ],
)
def test_memory_for_pages_is_limited(
    monkeypatch: pytest.MonkeyPatch,
    catalog_db: Path,
    rendered: list[str],
    max_bytes: int,
    renderings: int,
) -> None:
    monkeypatch.setattr(page_cache, "MAX_BYTES", max_bytes)
    app = shop(catalog_db)
    for url in (PARKA, PARKA, "/", PARKA):
        assert app.test_client().get(url).status_code == 200
    close(app)

    assert len(rendered) == renderings
