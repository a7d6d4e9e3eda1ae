"""`[trigger]`: for which variants the button shows."""

from __future__ import annotations

from pydantic import Field

from ...variants import InventoryPolicy, Variant
from ..base import SettingsTable


class Trigger(SettingsTable):
    """`[trigger]`: Klaviyo's trigger back_in_stock, and the root settings of its older script."""

    tag_allowlist: tuple[str, ...] = Field(
        (), description="If set, the button shows for products with one of these tags alone."
    )
    tag_blocklist: tuple[str, ...] = Field(
        (), description="The button never shows for products with one of these tags."
    )
    inventory_quantity_threshold: int = Field(
        1,
        ge=0,
        le=1000000,
        description="A variant counts as sold out with fewer pieces than this.",
    )
    display_on_policy_continue: bool = Field(
        False,
        description="Whether the button shows, beside the shop's own, for a variant without stock "
        "that is sold all the same (inventory policy CONTINUE).",
    )
    is_allow_for_preorder: bool = Field(
        True,
        description="Whether the button shows for a sold-out variant that can be ordered ahead.",
    )
    is_allow_for_unmanaged_inventory: bool = Field(
        True,
        description="Whether the button shows for a variant whose stock isn't managed, when the "
        "shop says that it can't be bought.",
    )

    def can_buy(self, variant: Variant) -> bool:
        """Whether shoppers can buy `variant` now."""
        if variant.quantity is None:
            return variant.available is not False
        enough = variant.quantity >= self.inventory_quantity_threshold
        return enough or variant.preorder or variant.inventory_policy is InventoryPolicy.CONTINUE

    def offers_alert(self, variant: Variant) -> bool:
        """Whether shoppers are offered an alert for `variant`. The one place that decides this."""
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
