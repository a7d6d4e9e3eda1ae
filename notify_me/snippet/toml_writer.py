"""Write settings as TOML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import load_module


def dump_toml(
    settings: Mapping[str, Any],
    *,
    comments: Sequence[str] = (),
    remarks: Mapping[tuple[str, ...], str] | None = None,
) -> str:
    """Return settings by table as a TOML document.

    `comments` are lines at its top, `remarks` are comments behind keys, such as
    `{("modal", "headline"): "…"}`. Raises `MissingExtraError` if tomlkit isn't installed.
    """
    tomlkit = load_module("tomlkit")
    document = tomlkit.document()
    for line in comments:
        document.add(tomlkit.comment(line))
    for name, values in settings.items():
        if comments or name != next(iter(settings)):
            document.add(tomlkit.nl())
        document.add(name, _table(tomlkit, values, (name,), remarks or {}))
    text: str = tomlkit.dumps(document)
    return text.rstrip("\n") + "\n"


def _table(
    tomlkit: Any,
    values: Mapping[str, Any],
    path: tuple[str, ...],
    remarks: Mapping[tuple[str, ...], str],
) -> Any:
    table = tomlkit.table()
    # In TOML, keys after a table's heading belong to that table, so inner tables come last.
    for key, value in sorted(values.items(), key=lambda item: isinstance(item[1], Mapping)):
        if isinstance(value, Mapping):
            table.add(key, _table(tomlkit, value, (*path, key), remarks))
            continue
        item = tomlkit.item(value)
        if remark := remarks.get((*path, key)):
            item.comment(remark)
        table.add(key, item)
    return table
