"""`flask storefront import-catalog`: a merchant's own products, with the IDs that Klaviyo knows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from storefront import db
from storefront.base.models import Import, Order, Product, ProductOption, ProductVariant
from tests.storefront.buying.test_checkout import fill, order
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page
from tests.support import Sandbox

CATALOG = Path(__file__).parents[3] / "storefront" / "catalog" / "catalog.json"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
SHOPIFY = Path(__file__).parent / "imports" / "shopify.csv"
OWN = {
    "csv": "handle,title,sku,price,quantity,option1_name,option1_value\n"
    "kettle,Kettle,KET-1,30,2,Lid,Tin\nkettle,,KET-2,30.50,,,Copper\ncup,Cup,CUP,4,0,,\n",
    "json": json.dumps(
        [
            {"handle": "kettle", "title": "Kettle", "sku": "KET-1", "price": 30, "quantity": 2}
            | {"options": {"Lid": "Tin"}},
            {"handle": "kettle", "sku": "KET-2", "price": 30.50, "options": {"Lid": "Copper"}},
            {"handle": "cup", "title": "Cup", "sku": "CUP", "price": "4", "quantity": "0"},
        ],
        indent=1,
    ),
}

MakeShop = Callable[[str], Flask]


@pytest.fixture
def shop(tmp_path: Path, catalog_db: Path, sandbox: Sandbox) -> Iterator[MakeShop]:
    """Opens the demo shop for an integration, beside its stand-in for Klaviyo."""
    made: list[Flask] = []

    def opened(integration: str) -> Flask:
        shutil.copy(catalog_db, tmp_path / "shop.db")
        theirs = {"NOTIFY_ME_CATALOG__INTEGRATION": integration, "SANDBOX_URL": sandbox.url}
        made.append(make_shop(tmp_path / "shop.db", **sandbox.environ(), **theirs))
        return made[-1]

    yield opened
    for app in made:
        close(app)


def bring(app: Flask, file: Path, *options: str) -> Result:
    """The command, in this process."""
    return app.test_cli_runner().invoke(args=["storefront", "import-catalog", str(file), *options])


def rows(app: Flask) -> list[Any]:
    """All that an import may change."""
    tables = (Product.__table__, ProductOption.__table__, ProductVariant.__table__)
    with app.app_context():
        return [
            [tuple(row) for row in db.session.execute(sa.select(table).order_by(table.c.id))]
            for table in (*tables, Import.__table__)
        ]


def shelf(app: Flask) -> dict[str, tuple[str, str, int | None]]:
    """Title, item number and stock of each variant, by its ID."""
    with app.app_context():
        query = sa.select(ProductVariant, Product.title).join(ProductVariant.product)
        return {
            one.external_id: (f"{title}, {one.title}".rstrip(", "), one.sku, one.quantity)
            for one, title in db.session.execute(query)
        }


def test_a_shopify_export_and_a_sign_up_with_its_id(shop: MakeShop, sandbox: Sandbox) -> None:
    """Their products stand in the shop, and what Klaviyo is asked names their own variant."""
    app = shop("$shopify")
    told = bring(app, SHOPIFY)

    assert told.exit_code == 0, told.output
    assert told.stdout == (
        "The shop now has 4 products with 7 variants from shopify.csv.\n"
        "Departments: Accessories, Candles, Classes.\n"
        "Left out, since your own shop doesn't show them: 1 draft, 1 archived, 1 unpublished.\n"
        "Without a SKU of their own: 2 variants, whose item number here is the variant's ID.\n"
    )
    assert shelf(app) == {
        "41234567890101": ("Beeswax Pillar, “Long Evening”, Small / Honey", "PIL-S-HON", 12),
        "41234567890102": ("Beeswax Pillar, “Long Evening”, Small / Soot black", "PIL-S-BLK", 0),
        "41234567890103": ("Beeswax Pillar, “Long Evening”, Large / Honey", "PIL-L-HON", -2),
        "41234567890201": ("Match Tin", "41234567890201", 0),
        "41234567890301": ("Wick Trimmer, Brass", "TRIM", 3),
        "41234567890302": ("Wick Trimmer, Black", "41234567890302", 0),
        "41234567890401": ("Candle Class, an Evening", "CLASS", None),
    }
    client = app.test_client()
    front = Page(client, "/")
    assert "Match Tin" in front.text
    assert "Haar Parka" not in front.text
    assert "hundred names" not in front.text
    assert [name in front.text for name in ("Candles", "Camp")] == [True, False]
    assert "Wick Trimmer" in Page(client, "/?category=accessories").text
    page = Page(client, "/products/beeswax-pillar?variant=PIL-S-BLK")
    assert "Poured by hand from Highland beeswax; burns for 60 hours. Details" in page.text
    assert "Height: 15 cm Wick: cotton, so no lead SKU: PIL-S-BLK" in page.text
    assert "By Lampwick & Daughters" in page.text
    assert "track(" not in page.html
    # a foreign host's picture would be blocked
    assert "cdn.shopify.com" not in page.html

    form = "/notify-me/%24shopify%3A%3A%3A%24default%3A%3A%3A41234567890102"
    assert form in page.buying
    reply = client.post(
        form, data={"email": "isla@example.com", "channels": "EMAIL"}, headers=SAME_SITE
    )
    assert reply.status_code == 303, reply.text
    [call] = sandbox.requests()
    assert call["problems"] == []
    variant = call["body"]["data"]["relationships"]["variant"]["data"]["id"]
    assert variant == "$shopify:::$default:::41234567890102"
    [waiting] = sandbox.waiting()
    assert waiting["variant"] == variant
    demand = client.get("/merchant/demand").text
    assert "PIL-S-BLK" in demand


def test_the_demo_stays_away_until_it_is_asked_back(shop: MakeShop, tmp_path: Path) -> None:
    """`load`, which every start runs, leaves an import alone; `--replace` takes it out."""
    app = shop("$shopify")
    bring(app, SHOPIFY)
    before = rows(app)
    runner = app.test_cli_runner()

    told = runner.invoke(args=["storefront", "load"])
    assert told.exit_code == 0
    assert "The shop has the products of shopify.csv" in told.output
    other = shutil.copy(CATALOG, tmp_path / "other.json")
    named = runner.invoke(args=["storefront", "load", str(other)])
    assert named.exit_code == 1
    assert "nothing was loaded" in named.output
    assert rows(app) == before

    assert runner.invoke(args=["storefront", "load", "--replace"]).exit_code == 0
    assert len(shelf(app)) == 60
    assert shelf(app)["HAAR-OIL-M"] == ("Haar Parka, Oilskin / M", "HAAR-OIL-M", 0)
    assert "hundred names" in Page(app.test_client(), "/").text


def test_a_reset_of_the_demo_keeps_an_import(shop: MakeShop, sandbox: Sandbox) -> None:
    """Sign-ups and orders go, the merchant's products don't; and no tour is begun that has no end,
    since their stock isn't the shop's to tell.
    """
    pytest.importorskip("demo")
    app = shop("$shopify")
    client = app.test_client()
    bring(app, SHOPIFY)
    before = rows(app)
    assert "Take the tour" not in client.get("/").text
    assert "that you imported stay" in Page(client, "/demo/reset").text

    assert client.post("/demo/reset").status_code == 303
    assert rows(app) == before
    assert sandbox.requests() == []


@pytest.mark.parametrize("kind", OWN)
def test_a_file_of_ones_own(shop: MakeShop, tmp_path: Path, kind: str) -> None:
    """As CSV or JSON, with its SKUs for IDs where this shop fills Klaviyo's catalog."""
    app = shop("$custom")
    file = tmp_path / f"mine.{kind}"
    file.write_text(OWN[kind], encoding="utf-8-sig")

    told = bring(app, file)

    assert told.exit_code == 0, told.output
    assert shelf(app) == {
        "KET-1": ("Kettle, Tin", "KET-1", 2),
        "KET-2": ("Kettle, Copper", "KET-2", None),
        "CUP": ("Cup", "CUP", 0),
    }
    page = Page(app.test_client(), "/products/cup")
    assert "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3ACUP" in page.buying
    # all of one type: there are no departments to choose from
    assert "Departments" not in page.html
    listed: Any = app.test_client().get("/feeds/catalog.json").json
    feed = {each["id"]: each for each in listed}
    assert feed["KET-2"]["price"] == 30.5
    assert feed["CUP"]["inventory_quantity"] == 0


def test_shopify_s_new_names_and_semicolons(shop: MakeShop, tmp_path: Path) -> None:
    """The columns as Shopify names them since 2025, as a German spreadsheet saves them."""
    app = shop("$shopify")
    file = tmp_path / "new.csv"
    file.write_text(
        "Title;URL handle;Description;Status;SKU;Variant ID;Option1 name;Option1 value;Price;"
        "Inventory tracker;Inventory quantity;Continue selling when out of stock;"
        "Product image URL\n"
        "Kettle;kettle;<p>Tin.</p>;Active;KET;42;Lid;Tin;30;shopify;0;CONTINUE;https://a.example/k\n"
        ";kettle;;;;;;;;;;;https://a.example/k2\n",
        encoding="utf-8",
    )

    assert bring(app, file).exit_code == 0
    assert shelf(app) == {"42": ("Kettle, Tin", "KET", 0)}
    assert "Pre-order" in Page(app.test_client(), "/products/kettle").text


def test_a_dry_run_changes_nothing(shop: MakeShop) -> None:
    """It says what would be."""
    app = shop("$shopify")
    before = rows(app)

    told = bring(app, SHOPIFY, "--dry-run")

    assert told.exit_code == 0
    assert told.stdout.startswith("The shop would have 4 products with 7 variants")
    assert rows(app) == before


def test_orders_stay(shop: MakeShop) -> None:
    """They are copies: what was ordered is still to be sent."""
    app = shop("$shopify")
    client = app.test_client()
    fill(client, STEEK_01=1)
    placed = order(client)
    assert placed.status_code == 303, placed.text

    bring(app, SHOPIFY)

    assert "STEEK-01" not in shelf(app)
    assert client.get(placed.location).status_code == 200
    assert Page(client, "/cart").text.count("STEEK") == 0
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(Order.id))) == 1


def test_one_that_is_stopped_half_way_has_done_nothing(shop: MakeShop, tmp_path: Path) -> None:
    """A database that gives up among the products: those of before are all still there."""
    app = shop("$custom")
    before = rows(app)
    file = tmp_path / "many.csv"
    lines = (f"thing-{i},Thing {i},THING-{i},1" for i in range(700))
    file.write_text("handle,title,sku,price\n" + "\n".join(lines), encoding="utf-8")
    written = 0

    def give_up(*_: object) -> None:
        nonlocal written
        written += 1
        if written == 300:
            raise KeyboardInterrupt

    sa.event.listen(Product, "before_insert", give_up)
    told = bring(app, file)
    sa.event.remove(Product, "before_insert", give_up)

    assert told.exit_code != 0
    assert written == 300
    assert rows(app) == before

    assert bring(app, file).exit_code == 0
    assert len(shelf(app)) == 700
    client = app.test_client()
    assert "Thing 699" in Page(client, "/products/thing-699").text
    back = Page(client, "/merchant")
    assert "The first 200 variants are shown." in back.text
    assert back.html.count('name="quantity"') == 200
    assert "THING-699" in Page(client, "/merchant?product=thing-699").text
