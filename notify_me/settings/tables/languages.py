"""`[languages]` and `[texts.<locale>]`: the shop's languages, and its wording in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from pydantic import AfterValidator, Field, create_model

from ...i18n.catalogs import LOCALES, SOURCE_LOCALE
from ..base import SettingsTable
from .button import Button
from .consent import Consent
from .demand import Demand
from .modal import Modal

LANGUAGES = f"a list of one or more of {', '.join(LOCALES)}, without duplicates"


def _check_languages(locales: tuple[str, ...]) -> tuple[str, ...]:
    if not locales or len(set(locales)) != len(locales) or not set(locales) <= set(LOCALES):
        raise ValueError(f"must be {LANGUAGES}")
    return locales


Locale = Annotated[str, Field(json_schema_extra={"enum": [*LOCALES]})]


class Languages(SettingsTable):
    """`[languages]`: the languages of the shop. The language of a page comes from its URL
    (`?lang=de`), then the `lang` cookie, then the browser's preference. If the shop has its own
    locale selector (Flask-Babel), that selector decides, except for `?lang=` on the kit's own
    pages.
    """

    offered: Annotated[tuple[Locale, ...], AfterValidator(_check_languages)] = Field(
        (SOURCE_LOCALE,), json_schema_extra={"allowed": LANGUAGES}, title="Languages"
    )
    """The languages to offer. The first is the default."""


def _wording_model(table: type[SettingsTable]) -> type[SettingsTable]:
    """Return a model with those settings of a table that are shopper-facing text, all optional.

    It has the name and module of the table's model, so that `schema.py` finds the same docstrings.
    """
    types = get_type_hints(table, include_extras=True)
    fields: dict[str, Any] = {
        key: (types[key] | None, Field(None, title=field.title))
        for key, field in table.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and "shopper_text" in field.json_schema_extra
    }
    model: type[SettingsTable] = create_model(
        table.__name__, __base__=SettingsTable, __module__=table.__module__, **fields
    )
    return model


_MODELS = {
    "button": _wording_model(Button),
    "modal": _wording_model(Modal),
    "consent": _wording_model(Consent),
    "demand": _wording_model(Demand),
}
_fields: dict[str, Any] = {name: (model, model()) for name, model in _MODELS.items()}
LocaleTexts: type[SettingsTable] = create_model("LocaleTexts", __base__=SettingsTable, **_fields)
"""`[texts.<locale>]`: the wording of the other tables' settings in one language."""
if TYPE_CHECKING:
    Texts = SettingsTable
else:
    Texts = create_model(
        "Texts",
        __base__=SettingsTable,
        **{locale: (LocaleTexts, LocaleTexts()) for locale in LOCALES},
    )
"""`[texts]`: a table for each language that the kit supports."""
