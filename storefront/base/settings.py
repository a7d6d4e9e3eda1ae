"""`shop.toml`: the shop's name, text, currency and appearance, read and checked at startup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from flask_babel import get_locale
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
)

from notify_me import SettingsError
from notify_me.settings import describe_error, read_toml
from notify_me.settings.css import Color, FontFamily

MAX_TEXT_LENGTH = 500
STATIC_FOLDER = Path(__file__).parents[2] / "static"
COUNTRIES = frozenset(
    code for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", str(code))
)


@dataclass(frozen=True, slots=True)
class Text:
    """Text from `shop.toml` in one or more languages."""

    by_language: Mapping[str, str]
    """The text by language, such as `de` or `pt-br`; the only key is `""` if the text is the same
    in all languages.
    """

    def __str__(self) -> str:
        """Return the text in the page's language, otherwise in the first language."""
        if not self.by_language:
            return ""
        tag = str(get_locale() or "").replace("_", "-").lower()
        first = next(iter(self.by_language.values()))
        return self.by_language.get(tag) or self.by_language.get(tag.partition("-")[0]) or first

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(self.by_language)


TEXT = f"text of 1 to {MAX_TEXT_LENGTH} characters, or a table with such text for each language"
CURRENCY = "a three-letter currency code, such as EUR"
COUNTRY = "an ISO 3166 code of two letters, such as DE"
EMAIL = "an email address, such as hello@example.com"
INSTANCE_LOGO = r"instance/logo-[0-9a-f]{12}\.webp"
"""Matches the values of `logo` that `flask storefront import-brand` writes."""
STATIC_FILE = "the name of a file in static/, such as logo.svg"


def _locale_name(tag: str) -> str:
    """Return a language's name as the kit writes it: `pt-br` as `pt_BR`."""
    try:
        return str(Locale.parse(tag, sep="-" if "-" in tag else "_"))
    except (ValueError, UnknownLocaleError):
        raise ValueError(f"{tag!r} isn't a language: use codes such as en, de or pt-br") from None


def _locale_names(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_locale_name, tags))


def _text(value: object) -> Text:
    if isinstance(value, Text):
        return value
    by_language: dict[str, Any] = value if isinstance(value, dict) else {"": value}
    if not all(
        isinstance(t, str) and 0 < len(t.strip()) <= MAX_TEXT_LENGTH for t in by_language.values()
    ):
        raise ValueError(f"must be {TEXT}")
    for tag in filter(None, by_language):
        _locale_name(tag)
    return Text({tag.replace("_", "-").lower(): text.strip() for tag, text in by_language.items()})


def _currency(text: str) -> str:
    if text not in list_currencies():
        raise ValueError(f"must be {CURRENCY}")
    return text


def _country(text: str) -> str:
    if text and text not in COUNTRIES:
        raise ValueError(f"must be {COUNTRY}")
    return text


def _email(text: str) -> str:
    if not text:
        return ""
    # imported here, since compiling its regular expressions takes 20 ms
    from email_validator import EmailNotValidError, validate_email

    try:
        # the domain isn't looked up, since the shop may start without network access
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError(f"must be {EMAIL}") from None


def _logo(text: str) -> str:
    return text if re.fullmatch(INSTANCE_LOGO, text) else _static_file(text)


def _static_file(text: str) -> str:
    if not text:
        return text
    path = (STATIC_FOLDER / text).resolve()
    if not path.is_relative_to(STATIC_FOLDER):
        raise ValueError(f"must be {STATIC_FILE}")
    if not path.is_file():
        raise ValueError(f"there is no file static/{text}")
    return text


def allowed(phrase: str) -> Any:
    """Return field metadata that makes error messages say that the value must be `phrase`."""
    return Field(json_schema_extra={"allowed": phrase})


LocalizedText = Annotated[
    Text, PlainValidator(_text, json_schema_input_type=str), PlainSerializer(str), allowed(TEXT)
]
StaticFile = Annotated[str, AfterValidator(_static_file), allowed(STATIC_FILE)]


class Table(BaseModel):
    """A table of `shop.toml`. It is immutable, and rejects unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        str_strip_whitespace=True,
        arbitrary_types_allowed=True,
        # building all tables when the file is read takes less time than building each on import
        defer_build=True,
    )


class Hero(Table):
    """The top of the home page."""

    title: LocalizedText = Text({})
    """The heading; by default, the shop's name."""
    text: LocalizedText = Text({})
    picture: StaticFile = ""
    """A file in `static/`; by default, the first three product pictures, if there are three."""


class Department(Table):
    """A category of the catalog."""

    name: LocalizedText = Text({})
    """The name in the menu; by default, the slug."""
    description: LocalizedText = Text({})
    """A sentence for the category's page."""


def _departments(value: object) -> dict[str, Department]:
    if not isinstance(value, dict) or not all(isinstance(t, dict) for t in value.values()):
        raise ValueError("must be tables, such as [departments.coats]")
    departments = {}
    for slug, table in value.items():
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) or len(slug) > 40:
            raise ValueError(
                f"{slug!r} is part of a URL: use lowercase letters, digits and hyphens"
            )
        try:
            departments[slug] = Department.model_validate(table)
        except ValidationError as error:
            [first, *_] = error.errors(include_url=False)
            raise ValueError(f"[departments.{slug}] {describe_error(Department, first)}") from None
    return departments


class ShopSettings(Table):
    """All settings of `shop.toml`."""

    sample: bool = False
    """Whether this is the sample shop: an import then replaces its name, wording, languages,
    contact address and logo.
    """
    name: Annotated[str, Field(min_length=1, max_length=80)] = "My shop"
    tagline: LocalizedText = Text({})
    """A few words about the shop, after its name in the title of the home page."""
    description: LocalizedText = Text({})
    """A sentence or two for search engines and the footer."""
    currency: Annotated[str, AfterValidator(_currency), allowed(CURRENCY)] = "USD"
    """The currency of the catalog's prices."""
    country: Annotated[str, AfterValidator(_country), allowed(COUNTRY)] = ""
    """Where the shop is. Prices in this country's own currency use its local symbol."""
    languages: Annotated[tuple[str, ...], AfterValidator(_locale_names)] = ()
    """The languages in which the products are described. The shop offers those that are also
    in `notify_me.toml`; if no language is in both files, only the first one in `notify_me.toml`.
    """
    logo: Annotated[str, AfterValidator(_logo), allowed(STATIC_FILE)] = ""
    """A file in `static/`, or the copy that import-brand made. If omitted, the header
    shows the name.
    """
    accent: Color | None = None
    """The colour of buttons and selected options; by default, that of `static/shop.css`."""
    font: FontFamily | None = None
    """The font of headings and text; by default, the fonts of `static/shop.css`."""
    hero: Hero = Hero()
    departments: Annotated[
        dict[str, Department], PlainValidator(_departments, json_schema_input_type=str)
    ] = {}
    """The catalog's categories by the slug in their URL, in menu order."""
    contact: Annotated[str, AfterValidator(_email), allowed(EMAIL)] = ""
    """An email address for the footer."""

    @property
    def has_imported_logo(self) -> bool:
        """Whether the logo was imported from Klaviyo, whose logos are for light backgrounds."""
        return bool(re.fullmatch(INSTANCE_LOGO, self.logo))


def with_import(settings: ShopSettings, *, name: str | None, currency: str | None) -> ShopSettings:
    """Return the settings of a shop with imported products: those of `shop.toml`, with the import's
    name and currency, if there are any. The sample shop's own name, wording, languages, contact
    address and logo (unless the logo was imported) are replaced with the defaults.
    """
    changes: dict[str, Any] = {"name": name} if name else {}
    if currency:
        changes["currency"] = currency
    if settings.sample:
        default = ShopSettings()
        replaced = ("name", "tagline", "description", "logo", "hero", "contact", "languages")
        changes = {field: getattr(default, field) for field in replaced} | changes
        if settings.has_imported_logo:
            del changes["logo"]
    return settings.model_copy(update=changes)


def read(path: Path) -> ShopSettings:
    """Return the settings in the TOML file at `path`.

    Raises `notify_me.SettingsError` if the file can't be read, or has unknown keys or invalid
    values.
    """
    try:
        document = read_toml(path)
    except OSError as error:
        raise SettingsError(
            f"SHOP_CONFIG is {path}, which can't be read ({error.strerror}): correct the path"
        ) from None
    try:
        return ShopSettings.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [f"{path}: {describe_error(ShopSettings, detail)}" for detail in details]
        raise SettingsError("\n".join(problems)) from None
