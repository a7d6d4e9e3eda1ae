"""Change settings in a TOML file without changing its comments, order or other settings."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from ..settings import SettingsError
from ..snippet.errors import load_module


def merged(text: str, settings: Mapping[str, Any]) -> str:
    """Return the TOML document `text` with some settings changed.

    `settings` has the new values by dotted key, such as `modal.font_family`; None removes a
    setting. Everything else in the document stays as it is. Raises `MissingExtraError` if tomlkit
    isn't installed, and `ValueError` if the document isn't valid TOML.
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
                if isinstance(table, tomlkit.items.InlineTable):
                    table[part] = tomlkit.inline_table()
                else:
                    table[part] = last_created[tables[0]] = tomlkit.table()
            table = table[part]
        else:
            if value is not None:
                table[name] = value
            elif name in table:
                del table[name]
    for table in last_created.values():
        table.add(tomlkit.nl())  # before the next table header
    return f"{tomlkit.dumps(document).rstrip()}\n"


def replace_file(target: Path, document: str, read: Callable[[Path], object]) -> None:
    """Write a document to a settings file, unless its settings are invalid.

    `read` reads a file and raises `SettingsError` if it is invalid. Raises `click.ClickException`
    if nothing was written.
    """
    new_file = target.with_name(f".{target.name}.new")
    try:
        new_file.write_text(document, encoding="utf-8")
        read(new_file)
        if target.exists():
            shutil.copymode(target, new_file)
        new_file.replace(target)
    except SettingsError as error:
        problem = str(error).replace(str(new_file), str(target))
        raise click.ClickException(f"nothing was written: {problem}") from None
    except OSError as error:
        raise click.ClickException(f"{target} can't be written: {error.strerror}") from None
    finally:
        new_file.unlink(missing_ok=True)
