"""For a shop's Studio, where a merchant tries out settings before saving them.

Every function works within an app context.
"""

from __future__ import annotations

from .channels import Channel
from .context import current_account, current_state
from .form import consent
from .i18n.catalogs import LOCALES as LANGUAGES
from .settings import Settings
from .snippet import MAX_BYTES as SNIPPET_LIMIT
from .snippet import (
    TITLES,
    ImportedSnippet,
    MissingExtraError,
    Note,
    SnippetError,
    dump_toml,
    read_snippet,
)
from .web import theme
from .web.preview import STATES, PreviewState, preview

__all__ = [
    "LANGUAGES",
    "SNIPPET_LIMIT",
    "STATES",
    "TITLES",
    "ImportedSnippet",
    "MissingExtraError",
    "Note",
    "PreviewState",
    "SnippetError",
    "contrast_warnings",
    "dump_toml",
    "merchant_settings",
    "missing_legal_texts",
    "preview",
    "problems",
    "read_snippet",
    "untranslated_warnings",
]


def merchant_settings() -> Settings:
    """The merchant's own settings, which everybody sees who has changed nothing."""
    return current_state().settings


def problems(settings: Settings) -> list[str]:
    """Why these settings can't be used with this shop's account, a sentence for each reason."""
    return consent.problems(settings, current_account())


def contrast_warnings(settings: Settings) -> list[str]:
    """A sentence for each pair of colours whose contrast is too low to read."""
    return theme.contrast_warnings(settings)


def untranslated_warnings(settings: Settings) -> list[str]:
    """A sentence for each language in which a channel can't be offered, for lack of a text."""
    return consent.untranslated_warnings(settings)


def missing_legal_texts(settings: Settings, locale: str) -> set[str]:
    """The names under `[texts.<locale>.consent]` of the texts without which a channel isn't offered
    in that language.
    """
    return {name for each in Channel for name in consent.missing_texts(settings, each, locale)}
