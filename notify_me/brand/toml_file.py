"""Write settings into a TOML file, with its comments, order and other settings as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..snippet.errors import load_module


def merged(text: str, settings: Mapping[str, Any]) -> str:
    """Return a TOML document with settings by dotted key, such as `modal.font_family`.

    None removes a setting. Everything else in the document stays as it is. Raises
    `MissingExtraError` if tomlkit isn't installed.
    """
    tomlkit = load_module("tomlkit")
    document = tomlkit.parse(text)
    last_created: dict[str, Any] = {}
    for key in sorted(settings, key=lambda key: key.rpartition(".")[0]):  # table by table
        value = settings[key]
        *tables, name = key.split(".")
        table: Any = document
        for part in tables:
            if part not in table:
                if value is None:
                    break
                table[part] = last_created[tables[0]] = tomlkit.table()
            table = table[part]
        else:
            if value is not None:
                table[name] = value
            elif name in table:
                del table[name]
    for table in last_created.values():
        table.add(tomlkit.nl())  # before the heading of the next table
    return f"{tomlkit.dumps(document).rstrip()}\n"
