"""`[modal]`: the form's words, looks and behaviour, by the names of Klaviyo's older script."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...i18n.catalogs import N_
from ..base import Color, FontFamily, SettingsTable, ShopperText


class Modal(SettingsTable):
    """`[modal]`: `{product_name}` and `{variant_name}` are filled in where a text says so."""

    presentation: Literal["dialog", "drawer", "inline"] = Field(
        "dialog",
        description="dialog opens in the middle, drawer at the side, inline stands in the product "
        "page without a click.",
    )
    headline: Annotated[str, ShopperText()] = Field(
        "{product_name}",
        min_length=1,
        max_length=200,
        description="The form's title; with {product_name}, {variant_name}.",
    )
    body_content: Annotated[str, ShopperText()] = Field(
        N_("We'll let you know as soon as it's back in stock."),
        max_length=1000,
        description="The text below the title, empty for none; with {product_name}, "
        "{variant_name}.",
    )
    email_field_label: Annotated[str, ShopperText()] = Field(
        N_("Email"), min_length=1, max_length=80, description="The label of the email field."
    )
    phone_number_field_label: Annotated[str, ShopperText()] = Field(
        N_("Mobile number"),
        min_length=1,
        max_length=80,
        description="The label of the phone field.",
    )
    button_label: Annotated[str, ShopperText()] = Field(
        "", max_length=80, description="The words of the button that sends; left out: the button's."
    )
    subscription_success_label: Annotated[str, ShopperText()] = Field(
        N_("You're on the list"),
        min_length=1,
        max_length=200,
        description="The title once it is sent; with {product_name}, {variant_name}. Klaviyo's "
        "answer means that it has the request, not that anybody is subscribed yet.",
    )
    footer_content: Annotated[str, ShopperText()] = Field(
        "",
        max_length=2000,
        description="The text below the form, with <a>, <b>, <br>, <em>, <i>, <p>, <small>, "
        "<span>, <strong>, <ul>, <ol>, <li>; with {product_name}, {variant_name}.",
    )
    close_label: Annotated[str, ShopperText()] = Field(
        N_("Close"), min_length=1, max_length=80, description="The name of the button that closes."
    )
    z_index: int | None = Field(
        None,
        ge=0,
        le=2147483647,
        description="The dialog's layer. Browsers show it above everything all the same.",
    )
    drop_background_color: Color | None = Field(
        None, description="What covers the page behind the dialog."
    )
    background_color: Color | None = Field(None, description="The form's background.")
    text_color: Color | None = Field(None, description="The form's text.")
    font_family: FontFamily | None = Field(None, description="The form's font families.")
    headers_font_family: FontFamily | None = Field(None, description="The title's font families.")
    button_background_color: Color | None = Field(
        None, description="The background of the button that sends; left out: the button's."
    )
    button_text_color: Color | None = Field(
        None, description="The words of the button that sends; left out: the button's."
    )
    close_button_color: Color | None = Field(None, description="The cross that closes.")
    error_background_color: Color | None = Field(None, description="Behind an error's words.")
    error_text_color: Color | None = Field(None, description="An error's words.")
    success_background_color: Color | None = Field(None, description="Behind the done view.")
    success_text_color: Color | None = Field(None, description="The done view's words.")
