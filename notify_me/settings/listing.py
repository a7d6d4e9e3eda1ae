"""The settings in effect and where each came from, for `flask notify-me settings`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import Account, Origin, Settings, load_settings, read_account
from .schema import all_settings

MASK = "••••••••"
"""Shown instead of a secret value."""


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """The value of one setting and where it came from."""

    key: str
    value: Any
    """As in JSON; None if the setting is unset."""
    origin: Origin


def effective_settings(config: Mapping[str, Any]) -> list[EffectiveSetting]:
    """Return all settings in effect for a Flask config. Those of `[texts.<locale>]` are included
    only if they are set.

    Raises `SettingsError` if a setting is invalid or missing.
    """
    account = read_account(config).model_dump(mode="json", by_alias=True)
    effective = []
    for setting in all_settings(Account):
        value = account[setting.key]
        if setting.schema.get("writeOnly"):
            value = MASK if config.get(setting.key) else ""
        is_set = bool(config.get(setting.key))
        origin = Origin("environment", setting.key) if is_set else Origin("default")
        effective.append(EffectiveSetting(setting.key, value, origin))

    loaded = load_settings(config.get("NOTIFY_ME_CONFIG"), config)
    values = loaded.settings.model_dump(mode="json")
    for setting in all_settings(Settings):
        origin = loaded.origins[setting.path]
        if setting.path[0] == "texts" and origin.kind == "default":
            continue
        value = values
        for part in setting.path:
            value = value[part]
        effective.append(EffectiveSetting(setting.key, value, origin))
    return effective


def as_json(rows: Sequence[EffectiveSetting]) -> str:
    """Return the settings as one JSON object, by key."""
    document = {
        row.key: {"value": row.value, "from": row.origin.kind, "where": row.origin.where or None}
        for row in rows
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_text(rows: Sequence[EffectiveSetting]) -> str:
    """Return the settings as lines of key, value and origin."""
    width = max(len(row.key) for row in rows)
    return "\n".join(
        f"{row.key:{width}}  {'-' if row.value is None else terminal_json(row.value)}"
        f"  ({row.origin.where or row.origin.kind})"
        for row in rows
    )


def terminal_json(value: Any) -> str:
    """Return a value as JSON on one line, with control characters escaped for a terminal."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
