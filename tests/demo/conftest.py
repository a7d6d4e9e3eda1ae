"""The shop's fixtures, which the demo's tests use too."""

from tests.storefront.conftest import client, stock

__all__ = ["client", "stock"]
