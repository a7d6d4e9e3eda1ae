"""Functions for a Studio, a page on which a merchant tries out settings before saving them.

All functions need an app context.
"""

from __future__ import annotations

from .brand import reading
from .brand.convert import ImportedBrand, brand_settings
from .brand.fonts import split_families
from .brand.reading import Brand, BrandError, Logo
from .brand.toml_file import merged as merged_toml
from .brand.toml_file import replace_file as replace_toml
from .channels import Channel
from .context import (
    current_account,
    current_state,
    klaviyo_client,
    read_shop_settings,
    reload_settings,
)
from .form.consent import missing_wording, untranslated_warnings
from .form.consent import problems as consent_problems
from .i18n.catalogs import LOCALES as LANGUAGES
from .klaviyo.client import is_stand_in
from .settings import Settings, read_toml
from .snippet.convert import ImportedSnippet, Note, read_snippet
from .snippet.errors import MissingExtraError, SnippetError
from .snippet.javascript import MAX_BYTES as SNIPPET_LIMIT
from .snippet.output import TITLES, dump_toml
from .web.preview import STATES, PreviewState, preview
from .web.theme import Contrast, contrast_warnings, contrasts

__all__ = [
    "LANGUAGES",
    "SNIPPET_LIMIT",
    "STATES",
    "TITLES",
    "Brand",
    "BrandError",
    "Contrast",
    "ImportedBrand",
    "ImportedSnippet",
    "Logo",
    "MissingExtraError",
    "Note",
    "PreviewState",
    "SnippetError",
    "brand_settings",
    "contrast_warnings",
    "contrasts",
    "dump_toml",
    "is_stand_in",
    "merged_toml",
    "missing_legal_wording",
    "preview",
    "problems",
    "read_brand",
    "read_shop_settings",
    "read_snippet",
    "read_toml",
    "reload_settings",
    "replace_toml",
    "shop_settings",
    "split_families",
    "untranslated_warnings",
]


def shop_settings() -> Settings:
    """Return the shop's settings, which apply to visitors without overrides."""
    return current_state().settings


def read_brand() -> Brand:
    """Read the brand of the Klaviyo account, which takes four calls.

    Raises `BrandError` if the key can't read it, or the account has no brand.
    """
    client = klaviyo_client(current_account(), 2)
    try:
        return reading.read_brand(client)
    finally:
        if client:
            client.close()


def problems(settings: Settings) -> list[str]:
    """Return a sentence for each reason why these settings can't be used with this account."""
    has_shop_name = current_state().shop_name is not None
    return consent_problems(settings, current_account(), has_shop_name=has_shop_name)


def missing_legal_wording(settings: Settings, locale: str) -> set[str]:
    """Return the names of the settings with legal wording that are missing under
    `[texts.<locale>.consent]`.
    """
    return {name for channel in Channel for name in missing_wording(settings, channel, locale)}
