"""`[trigger]`: which variants get a notify-me button."""

from __future__ import annotations

from pydantic import Field

from ...variants import InventoryPolicy, Variant
from ..base import SettingsTable


class Trigger(SettingsTable):
    """`[trigger]`: which variants get a notify-me button. Settings that also exist in Klaviyo's
    `back_in_stock` trigger, or in its older script, have the same names here.
    """

    tag_allowlist: tuple[str, ...] = Field((), title="Show only for these tags")
    """Show the button only for products with at least one of these tags. Empty: for all products.
    """
    tag_blocklist: tuple[str, ...] = Field((), title="Hide for these tags")
    """Never show the button for products with any of these tags."""
    inventory_quantity_threshold: int = Field(1, ge=0, le=1000000, title="Sold-out threshold")
    """A variant is sold out if fewer units than this are in stock."""
    display_on_policy_continue: bool = Field(False, title="Show on products that can be oversold")
    """Also show the button, next to the shop's own, for sold-out variants that can still be bought
    (inventory policy CONTINUE).
    """
    is_allow_for_preorder: bool = Field(True, title="Show on pre-order products")
    """Show the button for sold-out variants that the shop marks as pre-orders (Variant.preorder).
    For those with the inventory policy CONTINUE, display_on_policy_continue decides instead.
    """
    is_allow_for_unmanaged_inventory: bool = Field(
        True, title="Show on products without tracked stock"
    )
    """Show the button for variants whose stock isn't tracked, if the shop reports them as
    unavailable.
    """

    def can_buy(self, variant: Variant) -> bool:
        """Return whether shoppers can buy a variant now."""
        if variant.quantity is None:
            return variant.available is not False
        in_stock = variant.quantity >= self.inventory_quantity_threshold
        return in_stock or variant.preorder or variant.inventory_policy is InventoryPolicy.CONTINUE

    def offers_alert(self, variant: Variant) -> bool:
        """Return whether shoppers can ask for an alert about a variant."""
        if self.tag_allowlist and variant.tags.isdisjoint(self.tag_allowlist):
            return False
        if not variant.tags.isdisjoint(self.tag_blocklist):
            return False
        if variant.quantity is None:
            return variant.available is False and self.is_allow_for_unmanaged_inventory
        if variant.quantity >= self.inventory_quantity_threshold:
            return False
        if variant.inventory_policy is InventoryPolicy.CONTINUE:
            return self.display_on_policy_continue
        return self.is_allow_for_preorder or not variant.preorder
