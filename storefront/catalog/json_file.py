"""`catalog.json`: what it may hold, and what is wrong with it, by place.

The models below are the schema. A catalog is read whole before anything is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from . import drawings
from .departments import CATEGORIES

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Handle = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", min_length=1, max_length=80)
]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=64)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


OWN = Path(__file__).with_name("catalog.json")
"""The catalog that comes with the shop."""


class CatalogError(Exception):
    """A catalog that can't be loaded; `problems` holds a sentence for each place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Entry(BaseModel):
    """Base of the entries: an unknown key is a mistake, and is told."""

    model_config = ConfigDict(extra="forbid")


class ValueEntry(Entry):
    """One value of an option."""

    name: Annotated[Text, Field(max_length=40)]
    swatch: Colour | None = None
    """`#rrggbb`, for a value that is a colour: the product's drawing takes it."""


class OptionEntry(Entry):
    """A choice that a product offers; three at most."""

    name: Annotated[Text, Field(max_length=40)]
    values: list[ValueEntry] = Field(min_length=1)


class VariantEntry(Entry):
    """One thing that can be bought."""

    sku: Sku
    options: list[str] = []
    """A value of each of the product's options, in their order."""
    price: Decimal = Field(ge=0, max_digits=10, decimal_places=2)
    quantity: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | None
    """Pieces in stock; null: not managed."""
    policy: Literal["deny", "continue"] = "deny"
    """Whether it is still sold when the stock is used up (`continue`: a pre-order)."""


class ProductEntry(Entry):
    """A product with its page's words."""

    handle: Handle
    """Its address: `/products/<handle>`."""
    title: Text
    gloss: Line
    """What the name means, below the title."""
    category: str
    summary: Line
    description: list[str] = Field(min_length=1)
    """Paragraphs of plain text."""
    details: list[Line] = []
    tags: list[Text] = []
    drawing: str
    """A file in `templates/drawings/`, without its ending."""
    colour: Colour
    """The drawing's colour where no chosen value has a swatch."""
    options: list[OptionEntry] = Field(default=[], max_length=3)
    variants: list[VariantEntry] = Field(min_length=1, max_length=250)


class CatalogFile(Entry):
    """The whole file."""

    products: list[ProductEntry] = Field(min_length=1)


def read(path: Path) -> CatalogFile:
    """The catalog in `path`; raises `CatalogError` with every problem found."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError([f"{path} can't be read: {error}"]) from error
    return parse(text)


def parse(text: str) -> CatalogFile:
    """The catalog in `text`; raises `CatalogError` with every problem found."""
    try:
        catalog = CatalogFile.model_validate_json(text)
    except ValidationError as error:
        raise CatalogError([_sentence(problem) for problem in error.errors()]) from error
    if problems := list(_contradictions(catalog)):
        raise CatalogError(problems)
    return catalog


def _sentence(problem: Any) -> str:
    place = ""
    for step in problem["loc"]:
        place += f"[{step}]" if isinstance(step, int) else f".{step}"
    return f"{place.removeprefix('.') or 'the file'}: {problem['msg']}"


def _contradictions(catalog: CatalogFile) -> Iterator[str]:
    """What each entry alone can't tell: doubles, and names of things that aren't there."""
    handles: dict[str, str] = {}
    skus: dict[str, str] = {}
    for number, entry in enumerate(catalog.products):
        place = f"products[{number}]"
        yield from _double(handles, entry.handle, f"{place}.handle")
        yield from _unknown(f"{place}.category", entry.category, list(CATEGORIES))
        yield from _unknown(f"{place}.drawing", entry.drawing, drawings.names())
        combinations: dict[str, str] = {}
        for index, variant in enumerate(entry.variants):
            inner = f"{place}.variants[{index}]"
            yield from _double(skus, variant.sku, f"{inner}.sku")
            yield from _double(combinations, " / ".join(variant.options), f"{inner}.options")
            yield from _wrong_options(entry, variant, f"{inner}.options")


def _double(seen: dict[str, str], value: str, place: str) -> Iterator[str]:
    if value in seen:
        yield f"{place}: {value!r} is already at {seen[value]}"
    seen.setdefault(value, place)


def _unknown(place: str, value: str, known: list[str]) -> Iterator[str]:
    if value not in known:
        yield f"{place}: {value!r} is none of {', '.join(known)}"


def _wrong_options(entry: ProductEntry, variant: VariantEntry, place: str) -> Iterator[str]:
    if len(variant.options) != len(entry.options):
        yield f"{place}: {len(variant.options)} given, the product has {len(entry.options)}"
        return
    for index, (option, chosen) in enumerate(zip(entry.options, variant.options, strict=True)):
        yield from _unknown(f"{place}[{index}]", chosen, [value.name for value in option.values])
