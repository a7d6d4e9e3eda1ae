"""Where in a TOML file a key stands, which `tomllib` doesn't tell."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

_MOST = 200
"""Lines that are looked at: the search is for a sentence, and must end soon."""


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line, from 1, where a key or a table is first set; None where that can't be told.

    It is the line before which the file, read by `tomllib`, lacks the key, and after which, as
    soon as the file can be read again, it has it.
    """
    lines = text.split("\n")
    holding = [at for at, line in enumerate(lines) if path[-1] in line]
    for at in holding[:_MOST]:
        before = _read(lines[:at])
        if before is None or holds(before, path):
            continue
        for end in range(at + 1, min(len(lines), at + _MOST) + 1):
            after = _read(lines[:end])
            if after is not None:
                if holds(after, path):
                    return at + 1
                break
    return None


def _read(lines: Sequence[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines))
    except ValueError:
        return None


def holds(document: object, path: Sequence[str]) -> bool:
    """Whether a document has a key."""
    for part in path:
        if not isinstance(document, dict) or part not in document:
            return False
        document = document[part]
    return True
