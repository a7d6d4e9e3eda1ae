"""The shop's fixtures, which the demo's tests use too."""

from tests.storefront.conftest import catalog_db, client, stock

__all__ = ["catalog_db", "client", "stock"]
