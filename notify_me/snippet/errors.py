"""Errors of the import, and helpers to load its optional libraries and to shorten text."""

from __future__ import annotations

import importlib
from typing import Any


class SnippetError(ValueError):
    """The snippet can't be read. The message is a sentence for the merchant."""


class MissingExtraError(SnippetError):
    """The libraries of the `import` extra aren't installed."""


def load_module(name: str) -> Any:
    """Import a library from the `import` extra. Raises `MissingExtraError` if it is missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"This requires {name.replace('_', '-')}, which isn't installed: "
            'run pip install "restock-kit[import]"'
        ) from None


def one_line(text: str, limit: int = 60) -> str:
    """Return imported text on one line, shortened and safe to print to a terminal."""
    shown = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:limit]
    )
    return shown if len(text) <= limit else f"{shown}…"
