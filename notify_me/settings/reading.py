"""Reads `notify_me.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from .errors import SettingsError, sentence
from .models import Settings


def read_settings(path: str | Path | None) -> Settings:
    """The merchant's settings from a TOML file, or the defaults for None.

    Raises `SettingsError` for a file that is missing, not TOML, or holds a wrong or unknown key.
    """
    if path is None:
        return Settings()
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"NOTIFY_ME_CONFIG names {path}, which can't be read ({error.strerror}): "
            "correct the path, or leave the variable out for the defaults"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise SettingsError(sentence(str(path), Settings, error)) from None
