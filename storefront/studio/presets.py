"""The presets in `presets.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("presets.toml")
NO_PRESET = "own"
"""The ID of the shop's own style."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A style to start from: settings by dotted key."""

    id: str
    name: str
    description: str
    settings: Mapping[str, Any]

    @property
    def colors(self) -> dict[str, str]:
        """The colours of its thumbnail: form, text, button and button text."""
        return {
            "form": self.settings["modal.background_color"],
            "text": self.settings["modal.text_color"],
            "button": self.settings["modal.button_background_color"],
            "button_text": self.settings["modal.button_text_color"],
        }

    @property
    def corner_radius(self) -> float:
        """The corner radius of the button in its thumbnail."""
        return min(float(self.settings.get("button.button_styles.border_radius", 4)) / 2, 6)


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by ID, in the order of the file."""
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        preset_id: Preset(
            preset_id, table["name"], table["description"], dict(_flatten(table["settings"]))
        )
        for preset_id, table in document.items()
    }


def current_preset(values: Mapping[str, Any], merchant_values: Mapping[str, Any]) -> str | None:
    """The ID of the preset that these values match, `NO_PRESET` for the merchant's; None if none.

    Only the settings that presets may change are compared.
    """
    own_style = {key: merchant_values[key] for key in _style_keys()}
    styles = {NO_PRESET: own_style}
    styles |= {preset.id: own_style | dict(preset.settings) for preset in presets().values()}
    style = {key: values[key] for key in own_style}
    return next((name for name, candidate in styles.items() if candidate == style), None)


def apply_preset(preset_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the style in `changes` with a preset's; `NO_PRESET` only removes it."""
    settings = presets()[preset_id].settings if preset_id in presets() else {}
    others = {key: value for key, value in changes.items() if key not in _style_keys()}
    return {**others, **settings}


def _style_keys() -> frozenset[str]:
    """All keys that any preset sets."""
    return frozenset(key for preset in presets().values() for key in preset.settings)


def _flatten(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, (*path, name))
        else:
            yield ".".join((*path, name)), value
