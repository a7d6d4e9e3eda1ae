"""Publishes a visitor's settings to all shoppers, by writing them to `instance/notify_me.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import current_app

from notify_me import SettingsError, studio

from .changes import value_at, with_integers

COMMENTS = (
    'Written by the Studio ("Use in this shop"). Takes precedence over the shop\'s notify_me.toml.',
    "Delete this file to remove these settings.",
)


def can_undo() -> bool:
    """Whether `undo` can restore the settings from before the last `publish`."""
    return _previous_file().is_file()


def publish(changes: Mapping[str, Any]) -> list[str]:
    """Publish changes, given by dotted key, to all shoppers. Return the keys of those that have no
    effect: settings that an environment variable sets, and settings that were cleared but are still
    set in `notify_me.toml`.

    The changes must be valid. Other processes use them from their next request. Raises `OSError`
    if the file can't be written, `studio.MissingExtraError` if tomlkit isn't installed, and
    `SettingsError` if the current file can't be read, or if the shop couldn't start with the new
    one, for example because of an environment variable.
    """
    file = _file()
    before = _read(file)
    document = studio.read_toml(file) if before else {}
    for key, value in changes.items():
        *tables, name = key.split(".")
        table = document
        for part in tables:
            if not isinstance(table.get(part), dict):
                table[part] = {}
            table = table[part]
        if value is None:
            table.pop(name, None)
        else:
            table[name] = value
    text = studio.dump_toml(with_integers(document), comments=COMMENTS)
    file.parent.mkdir(parents=True, exist_ok=True)
    new_file = _write_new(file, text)
    try:
        studio.read_shop_settings(new_file)
    except SettingsError as error:
        new_file.unlink()
        raise SettingsError(str(error).replace(str(new_file), str(file))) from None
    _write(_previous_file(), before)
    new_file.replace(file)
    studio.reload_settings()
    used = studio.shop_settings().model_dump(mode="json")
    return [key for key, value in changes.items() if value_at(used, key.split(".")) != value]


def undo() -> None:
    """Restore the settings from before the last `publish`. Raises `OSError`."""
    _write(_file(), _read(_previous_file()))
    _previous_file().unlink()
    studio.reload_settings()


def _file() -> Path:
    return Path(current_app.config["NOTIFY_ME_INSTANCE_CONFIG"])


def _previous_file() -> Path:
    return _file().with_suffix(".previous.toml")


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _write(file: Path, text: str) -> None:
    _write_new(file, text).replace(file)


def _write_new(file: Path, text: str) -> Path:
    """Write a new file next to `file`, and return its path."""
    new_file = file.with_suffix(".new")
    new_file.write_text(text, encoding="utf-8")
    return new_file
