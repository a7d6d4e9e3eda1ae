"""`[modal]`: the form."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...i18n.catalogs import N_
from ..base import TRANSLATED, Label, OptionalLabel, SettingsTable
from ..css import Color, FontFamily

FOOTER_TAGS = {
    *("a", "b", "br", "em", "i", "li", "ol", "p", "small", "span", "strong", "ul"),
}
"""The HTML elements that `footer_content` may contain."""
Title = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=TRANSLATED)]


class Modal(SettingsTable):
    """`[modal]`: the form. Settings that also exist in Klaviyo's older back-in-stock script have
    the same names here.
    """

    presentation: Literal["dialog", "drawer", "inline"] = Field("dialog", title="Show the form as")
    """A dialog opens in the middle of the page, a drawer at the side. An inline form is part of the
    product page and needs no click.
    """
    headline: Title = Field("{product_name}", title="Headline")
    """Headline of the form. May contain {product_name} and {variant_name}."""
    body_content: Annotated[str, Field(max_length=1000, json_schema_extra=TRANSLATED)] = Field(
        N_("Enter your email and we’ll let you know when it’s back in stock."), title="Body text"
    )
    """Text below the headline. May be empty."""
    email_field_label: Label = Field(N_("Email"), title="Email field label")
    """Label of the email field."""
    phone_number_field_label: Label = Field(N_("Mobile number"), title="Phone field label")
    """Label of the phone number field."""
    button_label: OptionalLabel = Field("", title="Submit button text")
    """Text of the submit button. Empty: the same as button.label."""
    subscription_success_label: Title = Field(
        N_("You’re on the list"), title="Confirmation headline"
    )
    """Headline of the confirmation. It appears as soon as the sign-up is accepted or queued, before
    Klaviyo has processed it. May contain {product_name} and {variant_name}.
    """
    footer_content: Annotated[str, Field(max_length=2000, json_schema_extra=TRANSLATED)] = Field(
        "", title="Footer text"
    )
    """Text below the form. May contain {product_name}, {variant_name}, <a>, <b>, <br>, <em>, <i>,
    <p>, <small>, <span>, <strong>, <ul>, <ol> and <li>. Empty: a link to
    consent.privacy_policy_url, if that is set.
    """
    close_label: Label = Field(N_("Close"), title="Close button label")
    """Accessible name of the close button."""
    z_index: int | None = Field(None, ge=0, le=2147483647, title="Stacking order (z-index)")
    """The dialog's z-index. Rarely needed: browsers show dialogs above the page anyway."""
    drop_background_color: Color | None = Field(None, title="Overlay colour")
    """Colour of the overlay behind the dialog."""
    background_color: Color | None = Field(None, title="Background colour")
    """Background colour of the form, in light and dark mode. Unset: the colour in the shop's
    stylesheet (--notify-me-surface), otherwise the browser's default.
    """
    text_color: Color | None = Field(None, title="Text colour")
    """Text colour of the form."""
    font_family: FontFamily | None = Field(None, title="Font")
    """Font families of the form."""
    headers_font_family: FontFamily | None = Field(None, title="Headline font")
    """Font families of the headline."""
    button_background_color: Color | None = Field(None, title="Submit button colour")
    """Background colour of the submit button. Unset: the same as button.button_styles.color."""
    button_text_color: Color | None = Field(None, title="Submit button text colour")
    """Text colour of the submit button. Unset: a colour that is readable on button_background_color
    or, if that is also unset, the same as button.text_styles.font_color.
    """
    close_button_color: Color | None = Field(None, title="Close button colour")
    """Colour of the close button."""
    error_background_color: Color | None = Field(None, title="Error background colour")
    """Background colour of error messages."""
    error_text_color: Color | None = Field(None, title="Error text colour")
    """Text colour of error messages."""
    success_background_color: Color | None = Field(None, title="Confirmation background colour")
    """Background colour of the confirmation."""
    success_text_color: Color | None = Field(None, title="Confirmation text colour")
    """Text colour of the confirmation."""
