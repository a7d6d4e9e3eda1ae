"""The presets: `presets.toml`, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("presets.toml")


@dataclass(frozen=True, slots=True)
class Preset:
    """A look to begin with: settings by dotted key."""

    id: str
    name: str
    about: str
    settings: Mapping[str, Any]

    @property
    def colors(self) -> dict[str, str]:
        """What its picture is painted with: form, words, button and its words."""
        look = self.settings
        return {
            "form": look["modal.background_color"],
            "text": look["modal.text_color"],
            "button": look["modal.button_background_color"],
            "words": look["modal.button_text_color"],
        }

    @property
    def corner(self) -> float:
        """How round its button is in the picture."""
        return min(float(self.settings.get("button.button_styles.border_radius", 4)) / 2, 6)


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by ID, in the file's order."""
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        name: Preset(name, given["name"], given["about"], dict(_flat(given["settings"])))
        for name, given in document.items()
    }


OWN = "own"
"""Stands for no preset: the shop's own look."""


def _looks() -> frozenset[str]:
    """All keys that a preset may set."""
    return frozenset(key for each in presets().values() for key in each.settings)


def worn(values: Mapping[str, Any], merchant_settings: Mapping[str, Any]) -> str | None:
    """The preset whose look these values are, `own` for the merchant's; None for one of a kind."""
    plain = {key: merchant_settings[key] for key in _looks()}
    of = {key: values[key] for key in plain}
    looks = {OWN: plain, **{name: plain | dict(p.settings) for name, p in presets().items()}}
    return next((name for name, look in looks.items() if look == of), None)


def applied(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes with a preset's look in place of whatever another may have set; `own` has none."""
    preset = presets()[name].settings if name in presets() else {}
    return {key: value for key, value in changes.items() if key not in _looks()} | dict(preset)


def _flat(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*path, name))
        else:
            yield ".".join((*path, name)), value
