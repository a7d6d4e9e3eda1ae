"""Import of Klaviyo's withdrawn back-in-stock script: its options become settings of the kit.

Requires the extra `import` (`pip install restock-kit[import]`), whose libraries are imported on
first use.
"""

from __future__ import annotations

from .convert import ImportedSnippet, Note, read_snippet
from .errors import MissingExtraError, SnippetError
from .javascript import MAX_BYTES
from .output import TITLES, as_toml, dump_toml, report

__all__ = [
    "MAX_BYTES",
    "TITLES",
    "ImportedSnippet",
    "MissingExtraError",
    "Note",
    "SnippetError",
    "as_toml",
    "dump_toml",
    "read_snippet",
    "report",
]
