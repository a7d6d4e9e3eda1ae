"""The shop's fixtures, for the demo around it."""

from tests.storefront.conftest import client, filled, stock

__all__ = ["client", "filled", "stock"]
