"""Settings as a TOML document: the one place that writes `notify_me.toml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .calls import load_module


def written(
    settings: Mapping[str, Any],
    *,
    head: Sequence[str] = (),
    remarks: Mapping[tuple[str, ...], str] | None = None,
) -> str:
    """Settings by table as TOML: comments at its head, and remarks behind single keys.

    Raises `SnippetError` if tomlkit isn't installed.
    """
    tomlkit = load_module("tomlkit")
    document = tomlkit.document()
    for line in head:
        document.add(tomlkit.comment(line))
    for name, values in settings.items():
        if head or name != next(iter(settings)):
            document.add(tomlkit.nl())
        document.add(name, _table(values, (name,), remarks or {}))
    text: str = tomlkit.dumps(document)
    return text.rstrip("\n") + "\n"


def _table(
    values: Mapping[str, Any], path: tuple[str, ...], remarks: Mapping[tuple[str, ...], str]
) -> Any:
    tomlkit = load_module("tomlkit")
    table = tomlkit.table()
    for key, value in values.items():
        if isinstance(value, Mapping):
            continue
        item = tomlkit.item(value)
        if remark := remarks.get((*path, key)):
            item.comment(remark)
        table.add(key, item)
    # what stands below a table's heading belongs to it: its own tables come last
    for key, value in values.items():
        if isinstance(value, Mapping):
            table.add(key, _table(value, (*path, key), remarks))
    return table
