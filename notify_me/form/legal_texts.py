"""Legal texts by language: where a channel may be offered, and what language a text is in."""

from __future__ import annotations

from ..channels import Channel
from ..i18n.catalogs import SOURCE, catalog
from ..settings import Consent, Settings
from ..settings.localized import own_text

_FURTHER = ("program", "frequency")
"""What these texts may name, in words."""


def _written_in(settings: Settings, locale: str) -> bool:
    """Whether the texts of [consent] are for whoever reads `locale`."""
    written = settings.consent.locale.replace("-", "_")
    same = written.split("_")[0].lower() == locale.split("_")[0].lower()
    # who has changed `locale` knows what stands there: it serves the shop's first language
    return same or (locale == settings.languages.offered[0] and written != SOURCE)


def language_of(settings: Settings, name: str, locale: str) -> str:
    """The language of the text that is shown for `[consent] name`."""
    own = own_text(settings, locale, ("consent", name)) is not None
    default = Consent.model_fields[name].default
    translated = getattr(settings.consent, name) == catalog(locale).gettext(default)
    if _written_in(settings, locale) or not (own or translated):
        return settings.consent.locale
    return locale.replace("_", "-")


def lacking(settings: Settings, channel: Channel, locale: str) -> list[str]:
    """The texts that the merchant must write in a language before a channel can be offered in it,
    by their names under [texts.<locale>.consent].
    """
    if _written_in(settings, locale):
        return []
    texts = {
        name: own_text(settings, locale, ("consent", name)) for name in channel.info.legal_texts
    }
    said = " ".join(each for each in texts.values() if each)
    named = [
        name
        for name in _FURTHER
        if f"{{{name}}}" in said and own_text(settings, locale, ("consent", name)) is None
    ]
    return [*(name for name, text in texts.items() if text is None), *named]


def unspoken(settings: Settings) -> list[str]:
    """A warning for each language in which a channel can't be offered, for want of a text."""
    return [
        f"{channel} isn't offered in the language {locale}, for which the legal texts are missing: "
        f"set {' and '.join(missing)} under [texts.{locale}.consent]"
        for locale in settings.languages.offered
        for channel in settings.channels.offered
        if (missing := lacking(settings, channel, locale))
    ]
