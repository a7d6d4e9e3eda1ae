"""The settings that hold, and where each came from, for `flask notify-me settings`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from . import Account, Origin, Settings, load_settings, read_account
from .schema import all_settings

MASK = "••••••••"
"""What stands for a secret, whatever its length."""


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting."""

    key: str
    value: Any
    """As JSON has it; None where the shop's own look holds."""
    origin: Origin


def effective_settings(config: Mapping[str, Any]) -> list[EffectiveSetting]:
    """Every setting for this Flask config, and those texts of single languages that are set; raises
    `SettingsError`.
    """
    return [*_account(config), *_settings(config)]


def as_json(rows: Sequence[EffectiveSetting]) -> str:
    """The rows as one JSON object, by key."""
    told = {
        row.key: {"value": row.value, "from": row.origin.kind, "where": row.origin.where or None}
        for row in rows
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def as_text(rows: Sequence[EffectiveSetting]) -> str:
    """The rows as lines: key, value as TOML writes it, and where it came from."""
    width = max(len(row.key) for row in rows)
    return "\n".join(
        f"{row.key:{width}}  {'-' if row.value is None else terminal_json(row.value)}"
        f"  ({row.origin.where or row.origin.kind})"
        for row in rows
    )


def terminal_json(value: Any) -> str:
    """A value as JSON writes it, on one line, with nothing in it that a terminal would obey."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _account(config: Mapping[str, Any]) -> Iterator[EffectiveSetting]:
    account = read_account(config)
    names = {str(info.alias): name for name, info in Account.model_fields.items()}
    for known in all_settings(Account):
        value = getattr(account, names[known.key])
        if isinstance(value, SecretStr):
            value = MASK if value.get_secret_value() else ""
        given = bool(config.get(known.key))
        yield EffectiveSetting(
            known.key, value, Origin("environment", known.key) if given else _DEFAULT
        )


def _settings(config: Mapping[str, Any]) -> Iterator[EffectiveSetting]:
    reading = load_settings(config.get("NOTIFY_ME_CONFIG"), config)
    values = reading.settings.model_dump(mode="json")
    for known in all_settings(Settings):
        origin = reading.origins[known.path]
        if known.path[0] == "texts" and origin.kind == "default":
            continue  # of the many that may be set, those that are
        value = values
        for part in known.path:
            value = value[part]
        yield EffectiveSetting(known.key, value, origin)


_DEFAULT = Origin("default")
