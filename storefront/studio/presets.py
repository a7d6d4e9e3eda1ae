"""The presets in `presets.toml`, and the preset for the merchant's brand in Klaviyo."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from notify_me import studio

from ..base import brand
from ..base.accent import readable_color

FILE = Path(__file__).with_name("presets.toml")
NO_PRESET = "own"
"""The ID of the shop's own style."""
BRAND = "brand"
"""The ID of the preset for the merchant's brand."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A style to start from: settings by dotted key."""

    id: str
    name: str
    description: str
    settings: Mapping[str, Any]

    @property
    def colors(self) -> dict[str, str]:
        """The colours of the preset's thumbnail: form, text, button and button text."""
        form = self.settings.get("modal.background_color") or "#ffffff"
        button = (
            self.settings.get("modal.button_background_color")
            or self.settings.get("button.button_styles.color")
            or "#1d1d1f"
        )
        text = self.settings.get("modal.text_color") or readable_color(form)
        button_text = (
            self.settings.get("modal.button_text_color")
            or self.settings.get("button.text_styles.font_color")
            or readable_color(button)
        )
        return {"form": form, "text": text, "button": button, "button_text": button_text}

    @property
    def corner_radius(self) -> float:
        """The corner radius of the button in the preset's thumbnail."""
        return min(float(self.settings.get("button.button_styles.border_radius", 4)) / 2, 8)


@cache
def presets() -> Mapping[str, Preset]:
    """Return the presets in `presets.toml` by ID, in the order of the file."""
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        preset_id: Preset(
            preset_id, table["name"], table["description"], dict(_flatten(table["settings"]))
        )
        for preset_id, table in document.items()
    }


def brand_preset() -> Preset | None:
    """Return the preset for the merchant's brand, or None if the brand hasn't been read yet."""
    stored = brand.stored_brand()
    if stored is None:
        return None
    description = f"The button, colours and fonts of {stored.name or 'your brand'} in Klaviyo."
    return Preset(BRAND, "Your Klaviyo brand", description, stored.settings)


def read_brand() -> None:
    """Read the merchant's brand from Klaviyo for `brand_preset`.

    Raises `studio.BrandError` if that isn't possible.
    """
    klaviyo_brand = studio.read_brand()
    kit_settings = studio.brand_settings(klaviyo_brand).settings
    brand.store(brand.StoredBrand(klaviyo_brand.name, dict(klaviyo_brand.colors), kit_settings))


def _all_presets() -> Mapping[str, Preset]:
    preset = brand_preset()
    return {**presets(), BRAND: preset} if preset else presets()


def current_preset(values: Mapping[str, Any], merchant_values: Mapping[str, Any]) -> str | None:
    """Return the ID of the preset that `values` match, `NO_PRESET` if they match the merchant's own
    style, or None. Only the settings that presets change are compared.
    """
    own_style = {key: merchant_values[key] for key in _style_keys()}
    styles = {NO_PRESET: own_style}
    styles |= {preset.id: own_style | dict(preset.settings) for preset in _all_presets().values()}
    style = {key: values[key] for key in own_style}
    return next((name for name, candidate in styles.items() if candidate == style), None)


def apply_preset(preset_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the style in `changes` with that of a preset; `NO_PRESET` only removes the style."""
    preset = _all_presets().get(preset_id)
    settings = preset.settings if preset else {}
    others = {key: value for key, value in changes.items() if key not in _style_keys()}
    return {**others, **settings}


def _style_keys() -> frozenset[str]:
    """Return the keys of all settings that presets change."""
    return frozenset(key for preset in _all_presets().values() for key in preset.settings)


def _flatten(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, (*path, name))
        else:
            yield ".".join((*path, name)), value
