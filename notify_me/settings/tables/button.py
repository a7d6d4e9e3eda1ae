"""`[button]`: the notify-me button, by the names of Klaviyo's dynamic button and older script."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...i18n.catalogs import N_
from ..base import (
    ClassNames,
    Color,
    ElementID,
    FontFamily,
    Length,
    Lengths,
    SettingsTable,
    ShopperText,
)

Alignment = Literal["left", "center", "right"]


class TextStyles(SettingsTable):
    """`[button.text_styles]`: the button's lettering. What is left out follows the shop."""

    font_family: FontFamily | None = Field(None, description="Font families.")
    font_size: float | None = Field(None, ge=8, le=72, description="In px.")
    font_weight: int | None = Field(
        None, ge=100, le=900, multiple_of=100, description="From 100 (thin) to 900 (black)."
    )
    font_color: Color | None = Field(None, description="The colour of the words.")
    font_style: Literal["normal", "italic"] | None = Field(None, description="Upright or italic.")
    text_decoration: Literal["none", "underline"] | None = Field(None, description="A line below.")
    letter_spacing: float | None = Field(None, ge=-5, le=20, description="Between letters, in px.")


class Border(SettingsTable):
    """`[button.button_styles.border]`."""

    enabled: bool = Field(False, description="Whether there is one.")
    color: Color = Field("#000000", description="Its colour.")
    style: Literal["solid", "dashed", "dotted"] = Field("solid", description="Its line.")
    width: float = Field(1, ge=0, le=20, description="In px.")


class DropShadow(SettingsTable):
    """`[button.button_styles.drop_shadow]`."""

    enabled: bool = Field(False, description="Whether there is one.")
    color: Color = Field("#000000", description="Its colour.")
    blur: float = Field(15, ge=0, le=100, description="In px.")
    x_offset: float = Field(0, ge=-100, le=100, description="To the right, in px.")
    y_offset: float = Field(0, ge=-100, le=100, description="Down, in px.")


class ButtonStyles(SettingsTable):
    """`[button.button_styles]`: the button's box. What is left out follows the shop."""

    color: Color | None = Field(None, description="The background.")
    border_radius: float | None = Field(None, ge=0, le=100, description="In px.")
    height: float | None = Field(
        None, ge=24, le=120, description="The least height, in px: a finger needs 24 or more."
    )
    width: Literal["fullWidth", "fitToText"] | None = Field(
        None, description="As wide as its place, or as its words."
    )
    alignment: Alignment | None = Field(
        None, description="Where a button stands that is narrower than its place."
    )
    border: Border = Field(Border(), description="A line around it.")
    drop_shadow: DropShadow = Field(DropShadow(), description="A shadow below it.")


class Button(SettingsTable):
    """`[button]`: Klaviyo's dynamic button of type BACK_IN_STOCK_OPEN."""

    label: Annotated[str, ShopperText()] = Field(
        N_("Notify me"), min_length=1, max_length=80, description="The button's words."
    )
    display: Literal["REPLACE", "NEXT_TO"] = Field(
        "REPLACE",
        description="For a sold-out variant: REPLACE takes the place of the shop's own button, "
        "NEXT_TO stands beside it.",
    )
    alternate_anchor: ElementID = Field(
        "",
        description="The id of an element on the product page that takes the button in, once the "
        "page's scripts run. Left out: where the template puts it.",
    )
    product_page_class: ClassNames = Field("", description="Classes of yours on product pages.")
    product_page_text_align: Alignment | None = Field(
        None, description="Where the words stand in the button on product pages."
    )
    product_page_margin: Lengths | None = Field(
        None, description="The space around the button on product pages."
    )
    product_page_width: Length | None = Field(
        None, description="The button's width on product pages, instead of button_styles.width."
    )
    collection_page_text: Annotated[str, ShopperText()] = Field(
        "", max_length=80, description="The words on listing cards; left out: label."
    )
    collection_page_class: ClassNames = Field("", description="Classes of yours on listing cards.")
    collection_page_text_align: Alignment | None = Field(
        None, description="Where the words stand in the button on listing cards."
    )
    collection_page_width: Length | None = Field(
        None, description="The button's width on listing cards, instead of button_styles.width."
    )
    collection_page_padding: Lengths | None = Field(
        None, description="The space inside the button on listing cards."
    )
    text_styles: TextStyles = Field(TextStyles(), description="Lettering.")
    button_styles: ButtonStyles = Field(ButtonStyles(), description="Box.")
