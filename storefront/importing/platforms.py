"""The columns of each platform's product export, and how the platform of a file is recognized."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .problems import Unreadable

MAX_OPTIONS = 10
"""The maximum number of options of a product. Shopify allows three, and Wix six."""
NUMBERS = range(1, MAX_OPTIONS + 1)
OPTION_VALUES = [f"option{i}_value" for i in NUMBERS]

Layout = Literal["one row per variant", "woocommerce", "wix"]
Columns = Mapping[str, Sequence[str]]
"""For each of the importer's fields, the names of the columns that may contain it, as `normalize`
returns them. If a file has several of these columns, the first one listed here is used.
"""


@dataclass(frozen=True, slots=True)
class Platform:
    """A kind of export that can be imported."""

    name: str
    columns: Columns
    signatures: Sequence[frozenset[str]] = ()
    """A file with all the columns in one of these sets comes from this platform."""
    layout: Layout = "one row per variant"


def _options(name: str, value: str) -> dict[str, Sequence[str]]:
    """Return the columns of the options; `name` and `value` are patterns with `{}`."""
    return {
        f"option{i}_{part}": [pattern.format(i) for pattern in patterns.split()]
        for i in NUMBERS
        for part, patterns in (("name", name), ("value", value))
    }


OWN = Platform(
    name="CSV",
    columns={
        "handle": ["handle", "url_handle"],
        "title": ["title"],
        "description": ["description", "body_html"],
        "vendor": ["vendor"],
        "type": ["type", "custom_product_type", "product_type"],
        "category": ["product_category", "standardized_product_type"],
        "tags": ["tags"],
        "status": ["status"],
        "published": ["published", "published_on_online_store"],
        "product_id": ["product_id", "id"],
        "variant_id": ["variant_id"],
        "sku": ["sku", "variant_sku"],
        "price": ["price", "variant_price"],
        "tracker": ["variant_inventory_tracker", "inventory_tracker"],
        "quantity": ["quantity", "variant_inventory_qty", "inventory_quantity"],
        "policy": ["policy", "variant_inventory_policy", "continue_selling_when_out_of_stock"],
        "picture": ["picture", "image_src", "product_image_url"],
        "picture_position": ["picture_position", "image_position"],
        "picture_alt": ["picture_alt", "image_alt_text"],
        "variant_picture": ["variant_picture", "variant_image", "variant_image_url"],
        **_options(
            "option{}_name option_{}_name option_name_{}",
            "option{}_value option_{}_value option_value_{}",
        ),
    },
)
"""This shop's own format. Its column names include Shopify's current ones, and those that Shopify
used until 2025.
"""

PLATFORMS = (
    Platform(
        name="Wix",
        layout="wix",
        signatures=[frozenset({"handleid", "fieldtype"}), frozenset({"handle", "fieldtype"})],
        columns={
            "key": ["handleid", "handle"],
            "handle": ["handle"],
            "kind": ["fieldtype"],
            "title": ["name"],
            "description": ["description", "plaindescription"],
            "vendor": ["brand"],
            "type": ["collection"],
            "published": ["visible"],
            "sku": ["sku"],
            "price": ["price"],
            "surcharge": ["surcharge"],
            "quantity": ["inventory"],
            "policy": ["preorderenabled"],
            "picture": ["productimageurl", "media"],
            "picture_alt": ["mediaalttext"],
            **_options("productoptionname{}", "productoptiondescription{} productoptionchoices{}"),
        },
    ),
    Platform(
        name="WooCommerce",
        layout="woocommerce",
        signatures=[
            frozenset({"name", "regular_price"}),
            frozenset({"name", "regulärer_preis"}),
            frozenset({"nom", "tarif_régulier"}),
            frozenset({"nombre", "precio_normal"}),
        ],
        # in English, German, French and Spanish: the export is in the language of WordPress
        columns={
            "variant_id": ["id"],
            "kind": ["type", "typ", "tipo"],
            "sku": ["sku", "artikelnummer", "ugs"],
            "title": ["name", "nom", "nombre"],
            "status": ["published", "veröffentlicht", "publié", "publicado"],
            "visibility": [
                *("visibility_in_catalog", "visibility_in_catalogue", "sichtbarkeit_im_katalog"),
                *("visibilité_dans_le_catalogue", "visibilidad_en_el_catálogo"),
            ],
            "description": ["description", "beschreibung", "descripción"],
            "summary": [
                *("short_description", "kurzbeschreibung", "description_courte"),
                "descripción_corta",
            ],
            "vendor": ["brands", "marken", "marques", "marcas"],
            "type": ["categories", "kategorien", "catégories", "categorías"],
            "tags": ["tags", "schlagwörter", "étiquettes", "etiquetas"],
            "price": ["regular_price", "regulärer_preis", "tarif_régulier", "precio_normal"],
            "sale_price": ["sale_price", "angebotspreis", "tarif_promo", "precio_rebajado"],
            "sale_starts": [
                *("date_sale_price_starts", "datum_an_dem_angebotspreis_beginnt"),
                *("date_de_début_de_promo", "día_en_que_empieza_el_precio_rebajado"),
            ],
            "sale_ends": [
                *("date_sale_price_ends", "datum_an_dem_angebotspreis_endet"),
                *("date_de_fin_de_promo", "día_en_que_termina_el_precio_rebajado"),
            ],
            "in_stock": ["in_stock", "vorrätig", "en_stock", "existencias", "en_inventario"],
            "quantity": ["stock", "lager", "lagerbestand", "inventario"],
            "policy": [
                *("backorders_allowed", "rückstände_erlaubt", "lieferrückstände_erlaubt"),
                "autoriser_les_commandes_de_produits_en_rupture",
                "permitir_reservas_de_productos_agotados",
            ],
            "parent": ["parent", "übergeordnetes_produkt", "superior"],
            "picture": ["images", "bilder", "imágenes"],
            **_options(
                "attribute_{}_name attribut_{}_name nom_de_l_attribut_{} nombre_del_atributo_{}",
                "attribute_{}_value_s attribute_{}_value attribut_{}_wert_e "
                "valeur_s_de_l_attribut_{} valor_es_del_atributo_{}",
            ),
        },
    ),
    Platform(
        name="Shopify",
        columns=OWN.columns,
        signatures=[
            frozenset({"title", name})
            for name in (
                *("body_html", "variant_price", "variant_inventory_qty", "variant_grams"),
                *("image_src", "product_image_url", "url_handle", "option1_linked_to"),
            )
        ],
    ),
)

REQUIRED = ("title", "price")
COLUMNS_HINT = "map the columns with --columns FILE (docs/catalog.md, “From another platform”)"
NOT_IMPORTED: Sequence[tuple[Sequence[frozenset[str]], str]] = (
    (
        [frozenset({"handle", "location"}), frozenset({"handle", "coo"})],
        "this is Shopify's inventory export, which contains no prices: import the product export, "
        "and add this file with --stock",
    ),
    (
        [frozenset({"financial_status", "lineitem_name"})],
        "this is Shopify's order export: export Products instead",
    ),
    (
        [frozenset({"first_name", "last_name", "email"}), frozenset({"email", "total_spent"})],
        "this is a list of customers: export Products instead",
    ),
    (
        [frozenset({"post_title", "sku"}), frozenset({"tax_product_type"})],
        "this export is from a WooCommerce plugin: use WooCommerce's own export (Products > "
        "Export)",
    ),
    (
        [
            frozenset({"sku", "attribute_set_code"}),
            frozenset({"sku", "store_view_code"}),
            frozenset({"sku", "attribute_set"}),
        ],
        f"this is a Magento (Adobe Commerce) export: {COLUMNS_HINT}",
    ),
    (
        [
            frozenset({"product_code_sku"}),
            frozenset({"item", "inventory_tracking", "sku"}),
            frozenset({"item_type", "product_name"}),
        ],
        f"this is a BigCommerce export: {COLUMNS_HINT}",
    ),
    (
        [
            frozenset({"product_id_non_editable"}),
            frozenset({"product_type_non_editable"}),
            frozenset({"hosted_image_urls", "title"}),
        ],
        f"this is a Squarespace export: {COLUMNS_HINT}",
    ),
    (
        [frozenset({"item_name", "variation_name"}), frozenset({"token", "item_name"})],
        f"this is a Square export: {COLUMNS_HINT}",
    ),
    (
        [
            frozenset({"active_0_1"}),
            frozenset({"categories_x_y_z"}),
            frozenset({"reference", "price_tax_excl"}),
            frozenset({"reference", "price_tax_incl"}),
            frozenset({"référence", "prix_ht"}),
            frozenset({"référence", "prix_ttc"}),
        ],
        f"this is a PrestaShop export: {COLUMNS_HINT}",
    ),
    (
        [
            frozenset({"product_handle", "variant_title"}),
            frozenset({"product_handle", "product_title"}),
        ],
        f"this is a Medusa export: {COLUMNS_HINT}",
    ),
    (
        [frozenset({"product_number", "tax_id"}), frozenset({"ordernumber", "mainnumber"})],
        f"this is a Shopware export: {COLUMNS_HINT}",
    ),
    (
        [frozenset({"product_id", "stock_status_id"}), frozenset({"model", "stock_status_id"})],
        f"this is an OpenCart export: {COLUMNS_HINT}",
    ),
    (
        [frozenset({"product_internal_id"}), frozenset({"sku", "enabled", "category1"})],
        f"this is an Ecwid export: {COLUMNS_HINT}",
    ),
    (
        [frozenset({"title", "currency_code", "materials"})],
        "this is an Etsy export, which contains one price and one quantity for all variations of a "
        f"listing. To import each listing as a product, {COLUMNS_HINT}",
    ),
    (
        [frozenset({"item_name", "seller_sku"})],
        f"this is an Amazon report: {COLUMNS_HINT}",
    ),
    (
        [frozenset({"availability", "image_link"})],
        f"this is a product feed for Google or Meta: {COLUMNS_HINT}",
    ),
)
"""Files that can't be imported as is: the columns that identify them, and what to do instead."""


def normalize(name: str) -> str:
    """Return a column's name in lower case, with `_` for everything but letters and digits."""
    # a file from macOS may write é as two characters
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", name).casefold()).strip("_")


def recognize(header: Iterable[str]) -> Platform:
    """Return the platform of a file with these columns.

    Raises `Unreadable` if the file can't be imported as is. The message says what to do instead.
    """
    names = {normalize(name) for name in header}
    for signatures, message in NOT_IMPORTED:
        if any(signature <= names for signature in signatures):
            raise Unreadable(message)
    for platform in PLATFORMS:
        if any(signature <= names for signature in platform.signatures):
            return platform
    known = {alias for aliases in OWN.columns.values() for alias in aliases}
    if len(known & names) < 2:
        raise Unreadable(
            "this isn't an export from Shopify, Wix, or WooCommerce in English, German, French or "
            f"Spanish. If it is a list of products, {COLUMNS_HINT}"
        )
    return OWN


def field_positions(platform: Platform, header: Sequence[str]) -> dict[str, int]:
    """Return the position of each field's column in a file.

    Raises `Unreadable` if a file in this shop's own format has a duplicate or misspelled column.
    """
    positions: dict[str, int] = {}
    for index, name in enumerate(header):
        positions.setdefault(normalize(name), index)
    columns = {
        field: [alias for alias in aliases if alias in positions]
        for field, aliases in platform.columns.items()
    }
    if platform is OWN:
        _check_spelling(header, columns)
    return {field: positions[aliases[0]] for field, aliases in columns.items() if aliases}


def _check_spelling(header: Sequence[str], columns: Mapping[str, Sequence[str]]) -> None:
    used = {alias for aliases in columns.values() for alias in aliases}
    missing = {field for field, aliases in columns.items() if not aliases}
    # if a required column is missing, the file is probably in another format, and hints about the
    # other columns would be misleading
    missing = missing.intersection(REQUIRED) or missing
    for aliases in columns.values():
        if len(aliases) > 1:
            duplicates = " and ".join(repr(name) for name in header if normalize(name) in aliases)
            raise Unreadable(
                f"the columns {duplicates} are both read as the same field: remove one", 1
            )
    for name in header:
        normalized = normalize(name)
        # names such as category_id and Descripción aren't misspellings
        similar = [
            field
            for field in missing
            if abs(len(field) - len(normalized)) < 2 and normalized.isascii()
            if re.sub("[a-z]", "", field) == re.sub("[a-z]", "", normalized)
        ]
        match = difflib.get_close_matches(normalized, similar, n=1, cutoff=0.8)
        if match and normalized not in used:
            raise Unreadable(f"unknown column {name!r}: did you mean {match[0]!r}?", 1)


def read_columns_file(path: Path) -> dict[str, str]:
    """Return the column for each field. The file has lines such as `title = "Product Name"`.

    Raises `Unreadable` for a file that isn't TOML, and for an unknown field.
    """
    try:
        columns = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Unreadable(
            f'{path.name} must have lines such as title = "Product Name": {error}'
        ) from None
    for field, name in columns.items():
        if field not in OWN.columns:
            match = difflib.get_close_matches(field, OWN.columns, n=1, cutoff=0.7)
            allowed = [name for name in OWN.columns if not name.startswith("option")]
            hint = f"did you mean {match[0]}?" if match else f"use {', '.join(allowed)}"
            raise Unreadable(f"{path.name}: {field} is not a product field; {hint}")
        if not isinstance(name, str):
            raise Unreadable(f"{path.name}: the column for {field} must be a string in quotes")
    return columns


def check_required(required: Iterable[str], columns: Container[str], header: Iterable[str]) -> None:
    """Raise `Unreadable` if a file has no column for a required field."""
    for field in required:
        if field not in columns:
            names = ", ".join(filter(None, header))
            raise Unreadable(
                f"there is no column for the {field}; the columns are {names[:200]}. If one of "
                f"them is the {field}, {COLUMNS_HINT}",
                1,
            )


def check_mapping(columns: Mapping[str, str], header: Collection[str]) -> None:
    """Raise `Unreadable` if `header`, the columns or keys of the product file, lacks one of those
    in a `--columns` file.
    """
    names = {normalize(name) for name in header}
    for field, name in columns.items():
        if normalize(name) not in names:
            raise Unreadable(
                f"--columns maps {field} to {name!r}, but the file has no such column; "
                f"its columns are {', '.join(name for name in header if name)}"
            )


def mapped_platform(columns: Mapping[str, str], header: Sequence[str]) -> Platform:
    """Return a platform with the columns of a `--columns` file.

    Raises `Unreadable` if `header`, the header of the product file, lacks one of them.
    """
    check_mapping(columns, header)
    return Platform(
        name="CSV", columns={field: [normalize(name)] for field, name in columns.items()}
    )
