"""The reader of Klaviyo's old back-in-stock snippet: out of a theme's file, into our settings.

It needs the extra `import` (`pip install restock-kit[import]`), whose libraries are loaded when
a snippet is read.
"""

from __future__ import annotations

from .convert import Imported, Note, read_snippet
from .source import MissingExtraError, SnippetError
from .writing import as_toml, report

__all__ = [
    "Imported",
    "MissingExtraError",
    "Note",
    "SnippetError",
    "as_toml",
    "read_snippet",
    "report",
]
