"""`[button]`: the notify-me button."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...i18n.catalogs import N_
from ..base import ClassNames, ElementID, Label, OptionalLabel, Pixels, SettingsTable
from ..css import Color, FontFamily, Length, Lengths

Alignment = Literal["left", "center", "right"]


class TextStyles(SettingsTable):
    """`[button.text_styles]`: the button's font. Unset values inherit the shop's style."""

    font_family: FontFamily | None = Field(None, title="Button font")
    """Font families, in order of preference."""
    font_size: Pixels | None = Field(None, ge=8, le=72, title="Text size")
    """Font size in pixels."""
    font_weight: int | None = Field(None, ge=100, le=900, multiple_of=100, title="Font weight")
    """Font weight; 400 is normal, 700 bold."""
    font_color: Color | None = Field(None, title="Button text colour")
    """Colour of the text. Unset: a colour that is readable on the button."""
    font_style: Literal["normal", "italic"] | None = Field(None, title="Font style")
    """Whether the text is upright or italic."""
    text_decoration: Literal["none", "underline"] | None = Field(None, title="Text decoration")
    """Whether the text is underlined."""
    letter_spacing: Pixels | None = Field(None, ge=-5, le=20, title="Letter spacing")
    """Extra space between letters in pixels."""


class Border(SettingsTable):
    """`[button.button_styles.border]`: a border around the button."""

    enabled: bool = Field(False, title="Show a border")
    """Draw a border."""
    color: Color = Field("#000000", title="Border colour")
    """Colour of the border."""
    style: Literal["solid", "dashed", "dotted"] = Field("solid", title="Border style")
    """Line style of the border."""
    width: Pixels = Field(1, ge=0, le=20, title="Border width")
    """Border width in pixels."""


class DropShadow(SettingsTable):
    """`[button.button_styles.drop_shadow]`: a shadow behind the button."""

    enabled: bool = Field(False, title="Show a shadow")
    """Draw a shadow."""
    color: Color = Field("#000000", title="Shadow colour")
    """Colour of the shadow."""
    blur: Pixels = Field(15, ge=0, le=100, title="Shadow blur")
    """Blur radius in pixels."""
    x_offset: Pixels = Field(0, ge=-100, le=100, title="Horizontal offset")
    """Horizontal offset in pixels, positive to the right."""
    y_offset: Pixels = Field(0, ge=-100, le=100, title="Vertical offset")
    """Vertical offset in pixels, positive downwards."""


class ButtonStyles(SettingsTable):
    """`[button.button_styles]`: the button's box. Unset values inherit the shop's style."""

    color: Color | None = Field(None, title="Button colour")
    """Background of the button."""
    border_radius: Pixels | None = Field(None, ge=0, le=100, title="Corner radius")
    """Radius of the corners in pixels."""
    height: Pixels | None = Field(None, ge=24, le=120, title="Minimum height")
    """Minimum height in pixels; 44 is comfortable to tap."""
    width: Literal["fullWidth", "fitToText"] | None = Field(None, title="Button width")
    """Whether the button fills its container (fullWidth) or is as wide as its text (fitToText)."""
    alignment: Alignment | None = Field(None, title="Button alignment")
    """Position of a button that is narrower than its container."""
    border: Border = Field(default_factory=Border)
    drop_shadow: DropShadow = Field(default_factory=DropShadow)


class Button(SettingsTable):
    """`[button]`: the notify-me button. Settings that also exist in Klaviyo's dynamic button, or in
    its older back-in-stock script, have the same names here.
    """

    label: Label = Field(N_("Notify me"), title="Button text")
    """Text of the button."""
    display: Literal["REPLACE", "NEXT_TO"] = Field("REPLACE", title="Position")
    """Where the button appears for a sold-out variant: instead of the shop's own button (REPLACE),
    or after it (NEXT_TO).
    """
    alternate_anchor: ElementID = Field("", title="Anchor element ID")
    """ID of an element on the product page into which the kit's script moves the button. Empty: the
    button stays where the template puts it.
    """
    product_page_class: ClassNames = Field("", title="CSS classes")
    """Additional CSS classes for the button on product pages."""
    product_page_text_align: Alignment | None = Field(None, title="Text alignment")
    """Text alignment in the button on product pages."""
    product_page_margin: Lengths | None = Field(None, title="Margin")
    """Margin of the button on product pages, as in CSS."""
    product_page_width: Length | None = Field(None, title="Width")
    """Width of the button on product pages. Overrides button_styles.width."""
    collection_page_text: OptionalLabel = Field("", title="Product card button text")
    """Text of the button on product cards. Empty: the same as label."""
    collection_page_class: ClassNames = Field("", title="CSS classes")
    """Additional CSS classes for the button on product cards."""
    collection_page_text_align: Alignment | None = Field(None, title="Text alignment")
    """Text alignment in the button on product cards."""
    collection_page_width: Length | None = Field(None, title="Width")
    """Width of the button on product cards. Overrides button_styles.width."""
    collection_page_padding: Lengths | None = Field(None, title="Padding")
    """Padding of the button on product cards, as in CSS."""
    text_styles: TextStyles = Field(default_factory=TextStyles)
    button_styles: ButtonStyles = Field(default_factory=ButtonStyles)
