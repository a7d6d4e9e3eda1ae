"""Rendered pages are reused while the catalog is unchanged, and never when it has changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, template_rendered
from flask.testing import FlaskClient
from jinja2 import Template

from storefront import db
from storefront.base import page_cache
from tests.notify_me.conftest import postgres  # noqa: F401 - a fixture
from tests.notify_me.running_shop import Postgres
from tests.sites import load_catalog
from tests.storefront.conftest import close, make_shop

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
CART = {"Cookie": "shop_cart=none"}
"""A visitor's own cookie, with which pages are always rendered."""
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
"""Changes by SQL, in this order. Each changes the parka's page."""


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
    """The names of the pages' templates that were rendered."""
    names: list[str] = []

    def note(_app: Flask, template: Template, **_more: object) -> None:
        if template.name in ("shop/listing.html", "shop/product.html"):
            names.append(template.name)

    with template_rendered.connected_to(note):
        yield names


def test_pages_show_what_is_committed(two_shops: tuple[Flask, Flask]) -> None:
    """In each process, whichever of them or of other programs has made the change."""
    clients = [app.test_client(use_cookies=False) for app in two_shops]
    before = clients[0].get(PARKA)
    for name, statement in CHANGES.items():
        with two_shops[0].app_context(), db.engine.connect() as connection:
            connection.execute(sa.text(statement))
            uncommitted = [client.get(PARKA).data for client in clients]
            connection.commit()
        etag = {"If-None-Match": before.headers["ETag"]}
        after = [client.get(PARKA, headers=etag) for client in clients]
        fresh = clients[0].get(PARKA, headers=CART)
        assert (name, uncommitted) == (name, [before.data] * 2)
        assert (name, [page.status_code for page in after]) == (name, [200, 200])
        assert (name, [page.data for page in after]) == (name, [fresh.data] * 2)
        before = fresh


@pytest.mark.parametrize("two_shops", [POSTGRESQL], indirect=True)
def test_orders_on_postgresql_dont_wait_for_each_other(two_shops: tuple[Flask, Flask]) -> None:
    """Two transactions change different variants, and then the other's product."""
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
    assert dict(again.headers) == dict(first.headers)
    assert (revalidated.status_code, revalidated.data) == (304, b"")
    assert with_scripts.data == first.data
    assert rendered == []


def test_visitors_with_cookies_have_their_own_pages(
    app: Flask, client: FlaskClient, rendered: list[str]
) -> None:
    url = "/products/haar-parka"
    shopper = app.test_client()
    client.get(url)
    shopper.post("/cart", data={"sku": "HAAR-KEL-L", "quantity": "2"})
    rendered.clear()

    assert "cart-link__count" in shopper.get(url).text
    assert "cart-link__count" not in client.get(url).text
    assert rendered == ["shop/product.html"]


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
def test_pages_of_other_languages_and_hosts_are_not_mixed(
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
        (30_000, 3),  # there is room for one page, so that the other one replaces it
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
