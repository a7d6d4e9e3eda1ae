"""`[languages]` and `[texts.<locale>]`: which languages the shop speaks, and its words in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from ...i18n.catalogs import LOCALES, SOURCE_LOCALE
from ..base import Allowed, SettingsTable, ShopperText
from ..schema import Setting, all_settings
from .button import Button
from .consent import Consent
from .demand import Demand
from .modal import Modal

LANGUAGES = f"a list of one or more of {', '.join(LOCALES)}, each once"


def _offered(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or len(set(value)) != len(value):
        raise ValueError(f"must be {LANGUAGES}")
    return value


class Languages(SettingsTable):
    """`[languages]`: a page is in the language that its address names (`?lang=de`), else in that of
    the cookie `lang`, else in the one that the browser likes best. A shop with a locale selector
    of its own (Flask-Babel) decides itself.
    """

    if TYPE_CHECKING:
        offered: tuple[str, ...] = (SOURCE_LOCALE,)
    else:
        offered: Annotated[
            tuple[Literal[LOCALES], ...], AfterValidator(_offered), Allowed(LANGUAGES)
        ] = Field(
            (SOURCE_LOCALE,),
            description="The languages that the shop speaks; the first is for everybody who asks "
            "for none of them.",
        )


def marked(known: Setting) -> ShopperText | None:
    """The mark of a setting that is words; None for one that isn't."""
    return next((each for each in known.info.metadata if isinstance(each, ShopperText)), None)


def _words_of(group: type[SettingsTable], name: str) -> type[SettingsTable]:
    """A table with those settings of a group that are words, all of which may be left out."""
    fields: dict[str, Any] = {
        known.path[-1]: (
            Annotated[known.info.annotation, *known.info.metadata] | None,
            Field(None, description=known.info.description),
        )
        for known in all_settings(group)
        if marked(known)
    }
    made: type[SettingsTable] = create_model(
        f"{group.__name__}Texts", __base__=SettingsTable, **fields
    )
    made.__doc__ = f"`[texts.<locale>.{name}]`"
    return made


_GROUPS: dict[str, type[SettingsTable]] = {
    "button": Button,
    "modal": Modal,
    "consent": Consent,
    "demand": Demand,
}
_tables: dict[str, Any] = {name: _words_of(group, name) for name, group in _GROUPS.items()}
_defaults: dict[str, Any] = {name: (each, each()) for name, each in _tables.items()}
LocaleTexts: type[SettingsTable] = create_model("LocaleTexts", __base__=SettingsTable, **_defaults)
"""`[texts.<locale>]`: the words of the other tables in one language."""
if TYPE_CHECKING:
    Texts = SettingsTable
else:
    Texts = create_model(
        "Texts", __base__=SettingsTable, **{each: (LocaleTexts, LocaleTexts()) for each in LOCALES}
    )
"""`[texts]`: a table for each language that the kit speaks."""
