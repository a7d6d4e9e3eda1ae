"""The made-up brands of the account, in the format of Klaviyo's Brands API.

The first can be used as is. The second has problems that many real brands have: the button's text
is hard to read, and the font is a web font.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NO_BRAND = "none"
"""The value of the setting for an account without a brand."""


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand's button, colours, logo and email defaults, with the API's attribute names."""

    name: str
    button: Mapping[str, Any]
    colors: Mapping[str, str]
    """The hex code of each colour, such as `#12355b`, by the colour's name."""
    logo: str
    """The name of a PNG file under `static/brands/`."""
    logo_size: tuple[int, int]
    """Width and height in pixels."""
    email_defaults: Mapping[str, Any]


def _text(color: str, font: str, size: int, weight: int = 400, **more: Any) -> dict[str, Any]:
    return {
        "color": color,
        "font_family": font,
        "font_size": size,
        "font_weight": weight,
        "font_style": "normal",
        "letter_spacing": 0,
        "text_decoration": "none",
    } | more


def _button(
    background: str, radius: int, text: dict[str, Any], *, shadow: str = "", border: str = ""
) -> dict[str, Any]:
    return {
        "name": "Main button",
        "is_primary": True,
        "style": {
            "background_color": background,
            "border_radius": radius,
            "box_shadow": shadow or "none",
            "is_shadow_active": bool(shadow),
        },
        "border": {
            "border_color": border or "#000000",
            "border_style": "solid",
            "border_width": 2 if border else 1,
            "is_border_active": bool(border),
        },
        "spacing": {
            "padding_top": 14,
            "padding_right": 28,
            "padding_bottom": 14,
            "padding_left": 28,
        },
        "text": text,
        "preview_page_hex": "#ffffff",
    }


def _email_defaults(
    background: str, page: str, text: dict[str, Any], heading: dict[str, Any], link: str
) -> dict[str, Any]:
    link_text = {"color": link, "font_style": "normal", "text_decoration": "underline"}
    return {
        "body": {
            "background_color": page,
            "body_background_color": background,
            "text": text,
            **{
                f"h{level}_text": heading | {"font_size": size}
                for level, size in ((1, 36), (2, 28), (3, 22), (4, 18))
            },
            "link_text": link_text,
        },
        "header": {
            "background_color": background,
            "links": [],
            "link_text": link_text,
            "logo_max_width": 160,
        },
        "footer": {
            "background_color": page,
            "text": text | {"font_size": 12},
            "link_text": link_text,
            "social_group_color": "default",
        },
    }


_SERIF, _SANS = "Georgia, 'Times New Roman', serif", "Verdana, Geneva, sans-serif"
_WEB_FONT = "'Poppins', Arial, 'Helvetica Neue', sans-serif"

BRANDS: Mapping[str, Brand] = {
    "harbour": Brand(
        "Harbour & Co.",
        _button("#12355b", 2, _text("#ffffff", _SANS, 15, 700, letter_spacing=1)),
        {"Deep sea": "#12355b", "Brass": "#8a5a12", "Chalk": "#faf7f0", "Slate": "#33404d"},
        "harbour.png",
        (528, 130),
        _email_defaults(
            "#ffffff",
            "#faf7f0",
            _text("#33404d", _SANS, 15),
            _text("#12355b", _SERIF, 36, 700),
            "#12355b",
        ),
    ),
    "poppy": Brand(
        "Poppy Lane",
        _button(
            "#f0592a",
            999,
            _text("#ffffff", _WEB_FONT, 17, 600),
            shadow="0px 6px 16px rgba(90, 30, 10, 0.3)",
            border="#f0592a",
        ),
        {"Poppy": "#f0592a", "Plum": "#5b1f3a", "Blush": "#fff1ec", "Leaf": "#3b6b46"},
        "poppy.png",
        (441, 110),
        _email_defaults(
            "#fff1ec",
            "#ffffff",
            _text("#5b1f3a", _WEB_FONT, 16),
            _text("#f0592a", _WEB_FONT, 36, 700),
            "#5b1f3a",
        ),
    ),
}
"""The brands, by the value of the `brand` setting."""
