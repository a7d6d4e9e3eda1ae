"""The shop's fixtures, for the demo around it."""

from tests.storefront.conftest import catalog_db, client, stock

__all__ = ["catalog_db", "client", "stock"]
