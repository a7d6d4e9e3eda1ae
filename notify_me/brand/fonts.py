"""Fonts that come with common operating systems, so that browsers needn't load them."""

from __future__ import annotations

# fmt: off
GENERIC = frozenset((
    "serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "ui-serif",
    "ui-sans-serif", "ui-monospace", "ui-rounded",
))
INSTALLED = GENERIC | frozenset((
    "-apple-system", "american typewriter", "arial", "arial black", "arial narrow", "avenir",
    "avenir next", "baskerville", "big caslon", "blinkmacsystemfont", "bodoni mt",
    "book antiqua", "brush script mt", "calibri", "calisto mt", "cambria", "candara",
    "century gothic", "comic sans ms", "consolas", "copperplate", "courier", "courier new",
    "dejavu sans", "dejavu serif", "didot", "franklin gothic medium", "futura", "garamond",
    "geneva", "georgia", "gill sans", "gill sans mt", "goudy old style", "helvetica",
    "helvetica neue", "hoefler text", "impact", "liberation sans", "liberation serif",
    "lucida bright", "lucida console", "lucida grande", "lucida sans", "lucida sans unicode",
    "menlo", "monaco", "noto sans", "noto serif", "optima", "palatino", "palatino linotype",
    "perpetua", "rockwell", "san francisco", "segoe ui", "tahoma", "times", "times new roman",
    "trebuchet ms", "verdana",
))
# fmt: on
"""Fonts that come with Windows, macOS, iOS, Android or common Linux systems, and CSS's generic
families. The names are in lower case.
"""


def split_families(families: str) -> tuple[list[str], list[str]]:
    """Split a valid CSS list of font families into installed fonts and web fonts."""
    installed: list[str] = []
    web_fonts: list[str] = []
    for family in families.split(","):
        name = family.strip()
        is_installed = name.strip("\"'").casefold() in INSTALLED
        (installed if is_installed else web_fonts).append(name)
    return installed, web_fonts
