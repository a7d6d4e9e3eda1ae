"""Import of a Klaviyo account's brand: its button, colors, fonts and logo.

Writing the settings into a file requires the extra `import`.
"""

from __future__ import annotations

from .convert import ImportedBrand, Note, brand_settings, report
from .reading import Brand, BrandError, Logo, read_brand
from .toml_file import merged, replace_file

__all__ = [
    "Brand",
    "BrandError",
    "ImportedBrand",
    "Logo",
    "Note",
    "brand_settings",
    "merged",
    "read_brand",
    "replace_file",
    "report",
]
