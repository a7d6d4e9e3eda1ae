"""`flask storefront import-catalog`."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from storefront import db
from storefront.base.models import Import, Order, Product, ProductOption, ProductVariant
from tests.storefront.buying.test_checkout import add_to_cart, place_order
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page
from tests.support import Sandbox

CATALOG = Path(__file__).parents[3] / "storefront" / "catalog" / "catalog.json"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
SHOPIFY = Path(__file__).parent / "imports" / "shopify.csv"
OWN_FILES = {
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


def import_file(app: Flask, file: Path, *options: str) -> Result:
    """Run the command, without downloading pictures."""
    arguments = ["storefront", "import-catalog", str(file), "--link-pictures", *options]
    return app.test_cli_runner().invoke(args=arguments)


def rows(app: Flask) -> list[Any]:
    """Return all rows that an import may change."""
    tables = (Product.__table__, ProductOption.__table__, ProductVariant.__table__)
    with app.app_context():
        return [
            [tuple(row) for row in db.session.execute(sa.select(table).order_by(table.c.id))]
            for table in (*tables, Import.__table__)
        ]


def variants(app: Flask) -> dict[str, tuple[str, str, int | None]]:
    """Return the title, SKU and stock of each variant, by its ID."""
    with app.app_context():
        query = sa.select(ProductVariant, Product.title).join(ProductVariant.product)
        return {
            variant.external_id: (
                f"{title}, {variant.title}".rstrip(", "),
                variant.sku,
                variant.quantity,
            )
            for variant, title in db.session.execute(query)
        }


def test_shopify_export(shop: MakeShop, sandbox: Sandbox) -> None:
    """The export's products replace the shop's, and a sign-up contains the variant's Shopify ID."""
    app = shop("$shopify")
    result = import_file(app, SHOPIFY)

    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "Imported 4 products with 7 variants from shopify.csv (Shopify export).\n"
        "Categories: Accessories, Candles, Classes.\n"
        "Shop name: Lampwick & Daughters, the vendor of more than half of the products. "
        "To change it, use --shop-name.\n"
        "Products left out: 1 draft, 1 archived, 1 unpublished.\n"
        "3 variants sold out.\n"
        "Pictures linked from their original servers: 4.\n"
    )
    assert variants(app) == {
        "41234567890101": ("Beeswax Pillar, “Long Evening”, Small / Honey", "PIL-S-HON", 12),
        "41234567890102": ("Beeswax Pillar, “Long Evening”, Small / Soot black", "PIL-S-BLK", 0),
        "41234567890103": ("Beeswax Pillar, “Long Evening”, Large / Honey", "PIL-L-HON", -2),
        "41234567890201": ("Match Tin", "41234567890201", 0),
        "41234567890301": ("Wick Trimmer, Brass", "41234567890301", 3),
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
    assert "Poured by hand from <b>Highland beeswax</b>; burns for 60&nbsp;hours." in page.html
    assert "Height: 15 cm Wick: cotton, so no lead" in page.text
    assert "Lampwick & Daughters" in page.text
    assert '"brand": {"@type": "Brand", "name": "Lampwick \\u0026 Daughters"}' in page.html
    assert "Lampwick & Daughters" in front.text
    assert "track(" not in page.html
    assert 'src="https://cdn.shopify.com/s/files/1/0551/1234/files/beeswax-1.jpg' in page.html

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


def test_load_keeps_an_import_without_replace(shop: MakeShop, tmp_path: Path) -> None:
    """Every start of the demo runs `load`, which must not replace an import."""
    app = shop("$shopify")
    import_file(app, SHOPIFY)
    before = rows(app)
    runner = app.test_cli_runner()

    loaded = runner.invoke(args=["storefront", "load"])
    assert loaded.exit_code == 0
    assert "The shop's products were imported from shopify.csv" in loaded.output
    other = shutil.copy(CATALOG, tmp_path / "other.json")
    refused = runner.invoke(args=["storefront", "load", str(other)])
    assert refused.exit_code == 1
    assert "Nothing was loaded" in refused.output
    assert rows(app) == before

    assert runner.invoke(args=["storefront", "load", "--replace"]).exit_code == 0
    assert len(variants(app)) == 60
    assert variants(app)["HAAR-OIL-M"] == ("Haar Parka, Oilskin / M", "HAAR-OIL-M", 0)
    assert "hundred names" in Page(app.test_client(), "/").text


def test_reset_of_the_demo_keeps_an_import(shop: MakeShop, sandbox: Sandbox) -> None:
    """Imported products have no tour, since Klaviyo gets their stock from the platform."""
    pytest.importorskip("demo")
    app = shop("$shopify")
    client = app.test_client()
    import_file(app, SHOPIFY)
    before = rows(app)
    assert "Take the tour" not in client.get("/").text
    assert "that you imported stay" in Page(client, "/demo/reset").text

    assert client.post("/demo/reset").status_code == 303
    assert rows(app) == before
    assert sandbox.requests() == []


@pytest.mark.parametrize("kind", OWN_FILES)
def test_own_csv_and_json_files(shop: MakeShop, tmp_path: Path, kind: str) -> None:
    """If this shop fills Klaviyo's catalog, SKUs serve as variant IDs."""
    app = shop("$custom")
    file = tmp_path / f"mine.{kind}"
    file.write_text(OWN_FILES[kind], encoding="utf-8-sig")

    result = import_file(app, file)

    assert result.exit_code == 0, result.output
    assert variants(app) == {
        "KET-1": ("Kettle, Tin", "KET-1", 2),
        "KET-2": ("Kettle, Copper", "KET-2", None),
        "CUP": ("Cup", "CUP", 0),
    }
    page = Page(app.test_client(), "/products/cup")
    assert "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3ACUP" in page.buying
    # all products have the same type
    assert "Categories" not in page.html
    items: Any = app.test_client().get("/feeds/catalog.json").json
    feed = {item["id"]: item for item in items}
    assert feed["KET-2"]["price"] == 30.5
    assert feed["CUP"]["inventory_quantity"] == 0


def test_shopifys_column_names_of_2025_with_semicolons(shop: MakeShop, tmp_path: Path) -> None:
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

    assert import_file(app, file).exit_code == 0
    assert variants(app) == {"42": ("Kettle, Tin", "KET", 0)}
    assert "Pre-order" in Page(app.test_client(), "/products/kettle").text


def test_dry_run_changes_nothing(shop: MakeShop) -> None:
    app = shop("$shopify")
    before = rows(app)

    result = import_file(app, SHOPIFY, "--dry-run")

    assert result.exit_code == 0
    assert result.stdout.startswith(
        "shopify.csv (Shopify export) is valid: 4 products with 7 variants. "
        "Nothing has been imported yet."
    )
    assert rows(app) == before


def test_orders_are_kept(shop: MakeShop) -> None:
    app = shop("$shopify")
    client = app.test_client()
    add_to_cart(client, STEEK_01=1)
    placed = place_order(client)
    assert placed.status_code == 303, placed.text

    import_file(app, SHOPIFY, "--currency", "SEK")

    assert "STEEK-01" not in variants(app)
    # in the order's own currency
    for page in (client.get(placed.location), client.get("/merchant")):
        assert page.status_code == 200
        assert re.search(r"Total.*<b>£\d+</b>", page.text)
    assert Page(client, "/cart").text.count("STEEK") == 0
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(Order.id))) == 1


@pytest.mark.parametrize("brand", ["", "Smirr Ltd"])
def test_other_processes_use_the_new_name_and_currency(
    shop: MakeShop, tmp_path: Path, brand: str
) -> None:
    """Other processes use the new currency at once in the cart and, if no brand is set, the new
    name in the consent wording.
    """
    app = shop("$custom")
    settings = {"CONSENT__EMAIL_LIST": "ask", "CONSENT__BRAND": brand}
    environ = {f"NOTIFY_ME_{name}": value for name, value in settings.items()}
    other = make_shop(tmp_path / "shop.db", KLAVIYO_LIST_ID="Abc123", **environ)
    client = other.test_client()
    add_to_cart(client, STEEK_01=1)
    assert "£" in Page(client, "/cart").text

    assert (
        import_file(app, SHOPIFY.with_name("numbers.csv"), "--shop-name", "Fjell & Co").exit_code
        == 0
    )

    add_to_cart(client, A=1)
    assert "€1,299" in Page(client, "/cart").text
    form = Page(client, "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AC")
    assert f"Also email me news and offers from {brand or 'Fjell & Co'}." in form.text
    close(other)


def test_interrupted_import_changes_nothing(shop: MakeShop, tmp_path: Path) -> None:
    app = shop("$custom")
    before = rows(app)
    file = tmp_path / "many.csv"
    lines = (f"thing-{i},Thing {i},THING-{i},1" for i in range(250))
    file.write_text("handle,title,sku,price\n" + "\n".join(lines), encoding="utf-8")
    written = 0

    def interrupt(*arguments: Any) -> None:
        nonlocal written
        written += arguments[2].startswith("INSERT INTO shop_product")
        if written == 2:
            raise KeyboardInterrupt

    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", interrupt)
        result = import_file(app, file)
        sa.event.remove(db.engine, "before_cursor_execute", interrupt)

    assert result.exit_code == 130
    assert "Interrupted. The shop's products are unchanged." in result.stderr
    assert written == 2
    assert rows(app) == before

    assert import_file(app, file).exit_code == 0
    assert len(variants(app)) == 250
    client = app.test_client()
    assert "Thing 249" in Page(client, "/products/thing-249").text
    stock = Page(client, "/merchant")
    assert "250 variants · page 1 of 3" in stock.text
    assert "THING-249" in Page(client, "/merchant?product=thing-249").text


def test_placeholder_ids_are_never_sent_to_klaviyo(
    shop: MakeShop, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without variant IDs, an import is a demo: sign-ups work with the sandbox only."""
    form = "/notify-me/%24shopify%3A%3A%3A%24default%3A%3A%3Aplaceholder-tee-s-red"
    data = {"email": "isla@example.com", "channels": "EMAIL"}
    app = shop("$shopify")
    result = import_file(app, SHOPIFY.with_name("plain.csv"))
    assert "are never sent to Klaviyo" in result.stdout
    assert app.test_client().post(form, data=data, headers=SAME_SITE).status_code == 303
    assert [waiting["variant"] for waiting in sandbox.waiting()] == [
        "$shopify:::$default:::placeholder-tee-s-red"
    ]
    close(app)

    messages: list[str] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: messages.append(record.getMessage()))
    monkeypatch.setattr(logging.getLogger("notify_me"), "handlers", [handler])
    for mode in ("server", "client"):
        real = make_shop(
            tmp_path / "shop.db",
            NOTIFY_ME_CATALOG__INTEGRATION="$shopify",
            NOTIFY_ME_MODE=mode,
            KLAVIYO_API_URL="https://klaviyo.invalid",
        )
        messages.clear()
        headers = SAME_SITE | {"X-Notify-Me": "1"}
        reply = real.test_client().post(form, data=data, headers=headers)
        assert reply.status_code == 503, mode
        assert any("placeholder instead of its ID in Klaviyo's" in text for text in messages), mode
        close(real)

    # the merchant has changed the integration since the import
    real = make_shop(
        tmp_path / "shop.db",
        SHOP_URL="https://shop.example",
        KLAVIYO_API_URL="https://klaviyo.invalid",
    )
    for command in (["push-catalog"], ["restock", "tee-s-red", "5"]):
        result = real.test_cli_runner().invoke(args=["storefront", *command])
        assert "placeholder instead of its ID in Klaviyo's" in result.output, result.output
    close(real)
