"""What each kind of file becomes, in a golden file that is easy to review."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import selectinload

from storefront import db
from storefront.base.models import Product
from tests.storefront.conftest import close, make_shop
from tests.storefront.importing.test_import_catalog import MakeShop, import_file, variants

FILES = Path(__file__).with_name("imports")
GOLDEN = Path(__file__).with_name("imported_files.md")
HEAD = """\
# What each kind of file becomes

The files are in [imports](imports). Update this file with
`UPDATE_GOLDEN=1 pytest tests/storefront/importing/test_imported_files.py`.
"""
COMMANDS = (
    ("$custom", "plain.csv"),
    ("$shopify", "plain.csv"),
    ("$custom", "new-names.csv"),
    ("$custom", "interleaved.csv"),
    ("$custom", "html.csv"),
    ("$custom", "numbers.csv"),
    ("$custom", "thousands.csv"),
    ("$custom", "locations.csv --stock inventory.csv"),
    ("$custom", "locations.csv --stock inventory-by-location.csv"),
    ("$custom", "locations.csv --stock-unknown in-stock --sell-out 10%"),
    ("$shopify", "locations.csv --stock-unknown sold-out --ids products.json --ids ids.csv"),
    ("$shopify", "products.json"),
    ("$custom", "woocommerce.csv"),
    ("$custom", "wix.csv"),
    ("$custom", "wix-new.csv"),
    ("$custom", "squarespace.csv --columns squarespace.toml"),
    ("$custom", "feed.tsv --columns feed.toml"),
)


def contents(app: Flask) -> Iterator[str]:
    """Yield the lines of the shop's products as Markdown."""
    with app.app_context():
        query = sa.select(Product).order_by(Product.position)
        loaded = selectinload(Product.options), selectinload(Product.variants)
        for product in db.session.scalars(query.options(*loaded)):
            facts = (product.vendor, product.category, product.visibility)
            yield f"**{product.title}** (`{product.handle}`), {', '.join(filter(None, facts))}\n"
            if product.description_html:
                yield f"```html\n{product.description_html}\n```\n"
            for picture in product.pictures:
                yield f"- picture {picture['url']} {picture['alt']}".rstrip()
            options = ", ".join(option.name for option in product.options)
            yield f"\n| ID | SKU | {options} | price | stock | policy | picture |"
            yield "|---" * 7 + "|"
            for variant in product.variants:
                cells = (
                    *(variant.external_id, variant.sku, variant.title, f"{variant.price:.2f}"),
                    *(variant.quantity, variant.policy.name.lower(), variant.picture),
                )
                yield f"| {' | '.join(map(str, cells))} |"
            yield ""


def test_imported_products_match_the_golden_file(
    shop: MakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FILES)
    blocks = [HEAD]
    apps = {integration: shop(integration) for integration in ("$custom", "$shopify")}
    for integration, command in COMMANDS:
        file, *options = command.split()
        result = import_file(apps[integration], Path(file), *options)
        assert result.exit_code == 0, (command, result.output)
        blocks.append(f"## `import-catalog {command}` ({integration})\n")
        blocks += [f"> {line}  " for line in result.stdout.splitlines()]
        blocks += ["", *contents(apps[integration])]
    document = "\n".join(blocks)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(document, encoding="utf-8")

    assert document.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


TEXT = 'handle, "title" ,sku,price\ncafé,"A ""big"" café","CAF, 1" ,3.50\n\ncup, Cup,CUP,4\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("line_ending", ["\n", "\r\n", "\r"])
def test_encodings_and_line_endings(
    import_shop: Flask, tmp_path: Path, encoding: str, line_ending: str
) -> None:
    file = tmp_path / "products.csv"
    file.write_bytes(TEXT.replace("\n", line_ending).encode(encoding))

    result = import_file(import_shop, file)

    assert result.exit_code == 0, result.output
    assert list(variants(import_shop).values()) == [
        ('A "big" café', "CAF, 1", None),
        ("Cup", "CUP", None),
    ]
    assert ("read as Windows-1252" in result.stdout) == (encoding == "cp1252")


@pytest.mark.parametrize(
    "text",
    [
        "handle;title;price\ncup;Cup;3,50\n",
        "handle\ttitle\tprice\ncup\tCup\t3.50\n",
        "handle|title|price\ncup|Cup|3.50\n",
        "sep=;\nhandle;title;price;;\ncup;Cup;3,50;;\n",
        "\n \nhandle;title;price\ncup;Cup;3,50\n",
        # saved with a German spreadsheet program
        "title;price;published;policy\nCup;3,50;WAHR;FALSCH\nMug;3,50;FALSCH;WAHR\n",
        # BigCommerce's values
        "title,price,published\nCup,3.50,Y\nMug,3.50,N\n",
        # two files, joined
        "handle,title,price\ncup,Cup,3.50\n\ufeffhandle,title,price\ncup,Cup,3.50\n",
        "handle,title,price\ncup,C\x07u\u202ep,3.50\n",
        "title,price\nCup,3.50\n",
        'title,"a;b;c;d",sku,price\nCup,,"=""cup""",3.50\n',
        "ID,SKU,Name,Published,Regular price\ncup,cup,Cup,1,3.50\n",
        "Handle,Title,Variant Price,Status,Status\ncup,Cup,3.50,active,draft\n",
    ],
)
def test_delimiters_and_columns(import_shop: Flask, tmp_path: Path, text: str) -> None:
    file = tmp_path / "products.csv"
    file.write_text(text, encoding="utf-8")

    result = import_file(import_shop, file)

    assert result.exit_code == 0, result.output
    assert variants(import_shop) == {"cup": ("Cup", "cup", None)}


@pytest.mark.parametrize(
    "header",
    [
        "ID,Typ,Artikelnummer,Name,Veröffentlicht,Vorrätig?,Lager,Regulärer Preis,"
        "Übergeordnetes Produkt,Attribut 1 Name,Attribut 1 Wert(e)",
        "ID,Type,UGS,Nom,Publié,En stock ?,Stock,Tarif régulier,"
        "Parent,Nom de l’attribut 1,Valeur(s) de l’attribut 1 ",
        "ID,Tipo,SKU,Nombre,Publicado,¿Existencias?,Inventario,Precio normal,"
        "Superior,Nombre del atributo 1,Valor(es) del atributo 1",
    ],
)
def test_translated_woocommerce_export(import_shop: Flask, tmp_path: Path, header: str) -> None:
    file = tmp_path / "wc-product-export.csv"
    rows = '1,variable,cup,Cup,1,1,,,,Size,"S, M"\n2,variation,c-s,,1,0,0,"3,50",cup,Size,S\n'
    file.write_text(f"{header}\n{rows}", encoding="utf-8")

    result = import_file(import_shop, file)

    assert result.exit_code == 0, result.output
    assert "(WooCommerce export)" in result.stdout
    assert variants(import_shop) == {"2": ("Cup, S", "c-s", 0)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "FILE"], "columns.toml must have lines such as title = "),
        (["--currency", "EURO"], "must be a three-letter currency code, such as EUR, not 'EURO'"),
        (["--sell-out", "0%"], "'0%' is not a percentage: use one such as 10%"),
        (["--encoding", "klingon"], "'klingon' is not the name of an encoding"),
        (
            ["--ids", "FILE"],
            "columns.toml: this isn't an export from Shopify",
        ),
        (["--stock", "FILE"], "columns.toml: this isn't an inventory export"),
    ],
)
def test_wrong_options(
    import_shop: Flask, tmp_path: Path, options: list[str], message: str
) -> None:
    other = tmp_path / "columns.toml"
    other.write_text("name, price\n", encoding="utf-8")
    options = [option.replace("FILE", str(other)) for option in options]

    result = import_file(import_shop, FILES / "plain.csv", *options)

    assert result.exit_code != 0
    assert message in result.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('titel = "Title"', "titel is not a product field; did you mean title?"),
        ("title = 3", "the column for title must be a string in quotes"),
        ('title = "Titel"', "--columns maps title to 'Titel', but the file has no such column"),
    ],
)
def test_wrong_columns_file(import_shop: Flask, tmp_path: Path, line: str, message: str) -> None:
    columns = tmp_path / "columns.toml"
    columns.write_text(line, encoding="utf-8")

    result = import_file(import_shop, FILES / "squarespace.csv", "--columns", str(columns))

    assert result.exit_code == 1
    assert message in result.stderr


def test_columns_file_for_json(import_shop: Flask, tmp_path: Path) -> None:
    """As with CSV, options are named after their keys, and a misspelled key is an error. The stock
    would be lost without a word. An object may lack the keys of empty values.
    """
    file, columns = tmp_path / "products.json", tmp_path / "columns.toml"
    file.write_text(
        '[{"name":"Tee","cost":5,"Fit":"Slim"},{"name":"Tee","cost":5,"Fit":"Wide","stock":0}]'
    )
    mapping = 'title = "Name"\nprice = "cost"\noption1_value = "Fit"\nquantity = "%s"\n'

    columns.write_text(mapping % "stock")
    assert import_file(import_shop, file, "--columns", str(columns)).exit_code == 0
    assert "<b>Fit</b>" in import_shop.test_client().get("/products/tee").text
    assert [stock for _, _, stock in variants(import_shop).values()] == [None, 0]

    columns.write_text(mapping % "stok")
    result = import_file(import_shop, file, "--columns", str(columns))
    assert "--columns maps quantity to 'stok', but the file has no such column" in result.stderr


def test_escaped_names_in_json(import_shop: Flask, tmp_path: Path) -> None:
    """WordPress escapes names in JSON, too."""
    file = tmp_path / "products.json"
    file.write_text('[{"title":"Salt &amp; pepper","price":5,"options":{"Size":"1 &frac12; kg"}}]')

    assert import_file(import_shop, file).exit_code == 0
    assert [title for title, _, _ in variants(import_shop).values()] == ["Salt & pepper, 1 ½ kg"]


def test_currencies_decide_how_prices_are_read(import_shop: Flask, tmp_path: Path) -> None:
    """Prices in the digits of other scripts are read in the same way."""
    prices = {
        "¥3,200": "3,200",
        "￥３，２００": "3,200",
        "KWD 3.200": "3.200",
        "3.200 kr": "3,200",
        "₹1,25,000.50": "₹125,000.50",
        "١٢٫٥٠": "12.50",
        "US $5.50": "$5.50",
        "3,200円": "¥3,200",
        "5,50 eur": "€5.50",
        "5,50 TL": "TRY\u00a05.50",
    }
    file = tmp_path / "products.csv"
    for price, shown in prices.items():
        file.write_text(f'title,price\nCup,"{price}"\n', encoding="utf-8")
        result = import_file(import_shop, file)
        assert result.exit_code == 0, result.output
        page = import_shop.test_client().get("/products/cup").text
        assert shown in page, price
        is_ambiguous = price[0] in "¥￥" or price.endswith("kr")
        assert ("which several currencies share" in result.stdout) == is_ambiguous, price


def test_menu_fits_into_one_row(import_shop: Flask, tmp_path: Path) -> None:
    """Other categories are under More. A product's summary doesn't run into lists and tables."""
    names = ("Women's coats & jackets", "Women's dresses & skirts", "Women's tops & blouses")
    types = [*names, "Women's shoes & high rubber boots", "Knitwear"]
    file = tmp_path / "products.csv"
    lines = [
        f"P{i}-{j},{types[i]},<p>Soft.</p><table><tr><td>S</td></tr></table>,1"
        for i in range(5)
        for j in range(5 - i)
    ]
    file.write_text("\n".join(["title,type,description,price", *lines]), encoding="utf-8")

    result = import_file(import_shop, file)

    assert f"Categories: {', '.join(names)}, More." in result.stdout, result.output
    assert '<p class="card__summary">Soft.</p>' in import_shop.test_client().get("/").text


def test_category_for_other_types_is_translated(tmp_path: Path, catalog_db: Path) -> None:
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", NOTIFY_ME_LANGUAGES__OFFERED="de")
    file = tmp_path / "products.csv"
    file.write_text("title,type,price\nTasse,Küche,1\nHut,Mode,1\nKarte,,1\n", encoding="utf-8")

    assert "Categories: Küche, Mode, More." in import_file(app, file).stdout
    menu = re.findall(r"category=\w+[^>]*>([^<]+)</a>", app.test_client().get("/").text)
    assert menu[:3] == ["Küche", "Mode", "Weitere"]
    close(app)


def test_each_product_counts_once(import_shop: Flask, tmp_path: Path) -> None:
    """The categories and the shop's name don't depend on how many variants a product has, even if
    all their lines contain the title, as in Shopify's `products.json`.
    """
    file = tmp_path / "products.csv"
    tees = [f"tee,Tee,Loch,Tees,{size},1\n" for size in range(9)]
    mugs = [f"mug-{i},Mug {i},Fjell,Mugs,,1\n" for i in range(3)]
    file.write_text("".join(["handle,title,vendor,type,option1_value,price\n", *tees, *mugs]))

    result = import_file(import_shop, file)

    assert "Categories: Mugs, Tees.\nShop name: Fjell, " in result.stdout, result.output


@pytest.mark.parametrize(
    ("title", "search"),
    [
        ("Bœuf bourguignon", "boeuf"),
        ("Bœuf bourguignon", "BŒUF"),
        ("Żółty koc", "zolty"),
        ("Smørrebrød", "smorrebrod"),
        ("Schaf&shy;wolle", "Schafwolle"),
    ],
)
def test_search_in_plain_letters(
    import_shop: Flask, tmp_path: Path, title: str, search: str
) -> None:
    """Many keyboards lack œ and ł, and nobody types the soft hyphen of a long word."""
    file = tmp_path / "products.csv"
    file.write_text(f"handle,title,price\nx,{title},1\ny,Other,1\n", encoding="utf-8")
    import_file(import_shop, file)

    page = import_shop.test_client().get("/", query_string={"q": search}).text

    assert re.findall(r'href="/products/(\w)"', page) == ["x"]


def test_visibility(shop: MakeShop) -> None:
    """Products that are hidden, or shown only in searches, are treated as on their platform."""
    app = shop("$custom")
    assert import_file(app, FILES / "woocommerce.csv").exit_code == 0
    client = app.test_client()

    def names(path: str) -> list[bool]:
        page = client.get(path)
        assert page.status_code == 200
        return [f">{name}</a>" in page.text for name in ("Tee", "Tea towel", "Voucher")]

    assert names("/") == [True, False, False]
    # a category whose only product isn't in the listing would be empty
    assert client.get("/?category=vouchers").status_code == 404
    assert client.get("/?category=kitchen-home").status_code == 200
    assert names("/?q=e") == [True, False, True]
    assert client.get("/products/tea-towel").status_code == 200
    assert "tea-towel" not in client.get("/sitemap.xml").text


def test_products_json_of_shopifys_admin_api(import_shop: Flask, tmp_path: Path) -> None:
    """Its drafts aren't for sale, and its variants have a policy and may have untracked stock."""
    active = '"status":"active","published_at":"2026-11-02T09:00:00+01:00"'
    tracked = '"inventory_management":"shopify","inventory_policy":"continue"'
    untracked = '"inventory_management":null,"inventory_policy":"deny"'
    products = {
        "Secret": ('"status":"draft","published_at":null', tracked),
        "Wholesale": ('"status":"active","published_at":null', tracked),
        "Tea": (active, tracked),
        "Voucher": (active, untracked),
    }
    entries = [
        f'{{"handle":"{title.lower()}","title":"{title}","tags":"a, b",{status},"variants":'
        f'[{{"id":{number},"sku":"{title}","price":"4.00","inventory_quantity":0,{stock}}}]}}'
        for number, (title, (status, stock)) in enumerate(products.items())
    ]
    file = tmp_path / "products.json"
    file.write_text(f'{{"products":[{",".join(entries)}]}}')

    result = import_file(import_shop, file)

    assert "Products left out: 1 draft, 1 unpublished." in result.stdout, result.output
    assert list(variants(import_shop).values()) == [("Tea", "Tea", 0), ("Voucher", "Voucher", None)]
    assert "Pre-order" in import_shop.test_client().get("/products/tea").text


def test_ids_do_not_depend_on_the_order(import_shop: Flask, tmp_path: Path) -> None:
    """Otherwise, after another import, shoppers would be alerted about the wrong variant."""
    file = tmp_path / "products.csv"
    imported = []
    for values in (["+1.50", "-1.50"], ["-1.50", "+1.50"]):
        lines = [f"lens,Lens,10,Strength,{value}\n" for value in values]
        file.write_text("".join(["handle,title,price,option1_name,option1_value\n", *lines]))
        assert import_file(import_shop, file).exit_code == 0
        imported.append({id_: title for id_, (title, _, _) in variants(import_shop).items()})

    assert imported[0] == imported[1]
    assert sorted(imported[0].values()) == ["Lens, +1.50", "Lens, -1.50"]


def test_similar_titles_without_handles(import_shop: Flask, tmp_path: Path) -> None:
    """Titles that differ only in punctuation, or in the vowel signs of Thai or Hindi, belong to
    different products, whose IDs don't depend on their order.
    """
    titles = ["Learn C", "Learn C++", "ตุ๊กตาหมี", "ตุ๊กตาหมู", "÷", "×", "Pot"]
    file = tmp_path / "products.csv"
    imported = []
    for order in (titles, titles[::-1]):
        lines = "".join(f"{title},3\n" for title in order)
        file.write_text(f"title,price\n{lines}", encoding="utf-8")
        result = import_file(import_shop, file)
        assert result.exit_code == 0, result.output
        imported.append({id_: title for id_, (title, _, _) in variants(import_shop).items()})

    assert imported[0] == imported[1]
    assert [*imported[0].values()] == titles
    assert imported[0]["pot"] == "Pot"


def test_archived_product_with_the_same_sku(import_shop: Flask, tmp_path: Path) -> None:
    """A product that isn't imported doesn't change the IDs and SKUs of others."""
    file = tmp_path / "products.csv"
    lines = ("old,Cup,CUP,3,archived", "cup,Cup,CUP,3,active", "copy,Copy of Cup,CUP,3,draft")
    file.write_text("\n".join(["handle,title,sku,price,status", *lines]), encoding="utf-8")

    result = import_file(import_shop, file)

    assert result.exit_code == 0, result.output
    assert variants(import_shop) == {"CUP": ("Cup", "CUP", None)}


def test_repeated_lines_keep_their_sku(import_shop: Flask, tmp_path: Path) -> None:
    """If two exports that overlap are joined, the variants' IDs stay the same."""
    file = tmp_path / "products.csv"
    lines = ["handle,title,sku,price,option1_value\n", "tee,Tee,T-S,9,S\n", "tee,,T-M,9,M\n"]
    file.write_text("".join(lines * 2))

    assert import_file(import_shop, file).exit_code == 0
    assert list(variants(import_shop)) == ["T-S", "T-M"]


def test_case_of_option_names(import_shop: Flask, tmp_path: Path) -> None:
    """A table written by hand may repeat an option's name in another case."""
    file = tmp_path / "products.csv"
    header = "title,sku,price,option1_name,option1_value\n"
    file.write_text(f"{header}Cup,C-S,3,Size,S\nCup,C-M,3,size,M\n", encoding="utf-8")

    assert import_file(import_shop, file).exit_code == 0
    assert variants(import_shop) == {"C-S": ("Cup, S", "C-S", None), "C-M": ("Cup, M", "C-M", None)}
