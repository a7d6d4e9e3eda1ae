"""The catalog file, `catalog.json`: its schema, and precise error messages.

The models below are the schema. A file is validated completely before anything is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .drawings import drawing_names

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Handle = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", min_length=1, max_length=80)
]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=64)]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]

SHOP_CATALOG = Path(__file__).with_name("catalog.json")
"""The catalog that comes with the shop."""


class CatalogError(Exception):
    """The file can't be loaded; `problems` has a message for each error, with its location."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Entry(BaseModel):
    """Base of all entries; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


class ValueEntry(Entry):
    """One value of an option."""

    name: Annotated[Text, Field(max_length=40)]
    swatch: Color | None = None
    """`#rrggbb` if the value is a colour; the drawing is tinted with it."""


class OptionEntry(Entry):
    """An option of a product, such as Size."""

    name: Annotated[Text, Field(max_length=40)]
    values: list[ValueEntry] = Field(min_length=1)


class VariantEntry(Entry):
    """A combination of option values that can be bought."""

    sku: Sku
    options: list[str] = []
    """The variant's value for each of the product's options, in the options' order."""
    price: Decimal = Field(ge=0, max_digits=10, decimal_places=2)
    quantity: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | None
    """How many are in stock; null: not tracked."""
    policy: Literal["deny", "continue"] = "deny"
    """Whether the variant can be ordered when out of stock: `continue` makes it a pre-order."""


class ProductEntry(Entry):
    """A product and the content of its page."""

    handle: Handle
    """The last part of the product's URL: `/products/<handle>`."""
    title: Text
    gloss: Line
    """The line below the title, such as what the name means."""
    category: str
    summary: Line
    description: list[str] = Field(min_length=1)
    """Paragraphs of plain text."""
    details: list[Line] = []
    tags: list[Text] = []
    drawing: str
    """A file in `templates/drawings/`, without `.svg`."""
    colour: Color
    """The drawing's colour if no selected option has a swatch."""
    options: list[OptionEntry] = Field(default=[], max_length=3)
    variants: list[VariantEntry] = Field(min_length=1, max_length=250)


class CatalogFile(Entry):
    """The whole file."""

    products: list[ProductEntry] = Field(min_length=1)


def read(path: Path, categories: Collection[str]) -> CatalogFile:
    """Return the catalog in `path`, whose products must be in these categories.

    Raises `CatalogError`, which lists all errors.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError([f"{path} can't be read: {error}"]) from error
    return parse(text, categories)


def parse(text: str, categories: Collection[str]) -> CatalogFile:
    """Return the catalog in `text`; raises `CatalogError`, which lists all errors."""
    try:
        catalog = CatalogFile.model_validate_json(text)
    except ValidationError as error:
        raise CatalogError([_message(details) for details in error.errors()]) from error
    if problems := list(_inconsistencies(catalog, categories)):
        raise CatalogError(problems)
    return catalog


def _message(details: Any) -> str:
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in details["loc"])
    return f"{path.removeprefix('.') or 'the file'}: {details['msg']}"


def _inconsistencies(catalog: CatalogFile, categories: Collection[str]) -> Iterator[str]:
    """Yield a message for each duplicate, unknown name, or wrong number of options."""
    handles: dict[str, str] = {}
    skus: dict[str, str] = {}
    for number, product in enumerate(catalog.products):
        path = f"products[{number}]"
        yield from _duplicate(handles, product.handle, f"{path}.handle")
        yield from _unknown(f"{path}.category", product.category, categories)
        yield from _unknown(f"{path}.drawing", product.drawing, drawing_names())
        combinations: dict[str, str] = {}
        for index, variant in enumerate(product.variants):
            variant_path = f"{path}.variants[{index}]"
            options_path = f"{variant_path}.options"
            yield from _duplicate(skus, variant.sku, f"{variant_path}.sku")
            yield from _duplicate(combinations, " / ".join(variant.options), options_path)
            if len(variant.options) != len(product.options):
                yield (
                    f"{options_path}: must have as many values as the product has options "
                    f"({len(product.options)}), not {len(variant.options)}"
                )
                continue
            for position, (option, value) in enumerate(
                zip(product.options, variant.options, strict=True)
            ):
                names = [entry.name for entry in option.values]
                yield from _unknown(f"{options_path}[{position}]", value, names)


def _duplicate(seen: dict[str, str], value: str, path: str) -> Iterator[str]:
    if value in seen:
        yield f"{path}: {value!r} is already used at {seen[value]}"
    seen.setdefault(value, path)


def _unknown(path: str, value: str, allowed: Collection[str]) -> Iterator[str]:
    if value not in allowed:
        yield f"{path}: {value!r} is not one of {', '.join(allowed)}"
