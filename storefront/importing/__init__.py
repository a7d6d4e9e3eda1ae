"""`flask storefront import-catalog`: a merchant's own products in place of the shop's."""

from .problems import WrongFile
from .run import Imported, import_catalog
from .storing import clear
from .summary import summary

__all__ = ["Imported", "WrongFile", "clear", "import_catalog", "summary"]
