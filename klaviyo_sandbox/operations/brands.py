"""Get Brand Buttons, Colors, Logos and Email Defaults, for the brand chosen in the settings.

https://developers.klaviyo.com/en/reference/brands_api_overview
"""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from ..protocol.errors import Reply
from ..protocol.limits import Limit
from ..state.brands import BRANDS, Brand
from .operation import Call, Operation
from .replies import listing, resource

_LIMIT = Limit(burst=10, steady=150)
_BUTTON_ID, _COLORS_ID, _LOGO_ID, _DEFAULTS_ID = "SBBTN1", "SBCOL1", "SBLOG1", "SBDEF1"
_IMAGE_ID = "1001"
_LOGOS = files("klaviyo_sandbox").joinpath("static", "brands")
_UPDATED = "2026-10-15T12:00:00+00:00"


def _list(
    show: Callable[[Call, Brand], dict[str, Any]],
    include: Callable[[Call, Brand], dict[str, dict[str, Any]]] = lambda call, brand: {},
) -> Callable[[Call], Reply]:
    """Return the `act` function of an operation that lists one of the brand's resources.

    `show` returns the resource. `include` returns the related resources that a call may request,
    by type.
    """

    def act(call: Call) -> Reply:
        with call.sandbox.lock:
            brand = BRANDS.get(call.sandbox.settings.brand)
        wanted = call.request.args.get("include", "").split(",")

        def included(_: Any) -> list[dict[str, Any]]:
            related = include(call, brand) if brand else {}
            return [shown for kind, shown in related.items() if kind in wanted]

        entries = [show(call, brand)] if brand else []
        return listing(call, entries, lambda entry: entry, included=included)

    return act


def _button(call: Call, brand: Brand) -> dict[str, Any]:
    return resource(call, "brand-button", _BUTTON_ID, brand.button)


def _colors(call: Call, brand: Brand) -> dict[str, Any]:
    colors = [{"hex": color, "name": name} for name, color in brand.colors.items()]
    return resource(call, "brand-color", _COLORS_ID, {"name": brand.name, "colors": colors})


def _logo(call: Call, brand: Brand) -> dict[str, Any]:
    width, height = brand.logo_size
    attributes = {
        "name": brand.name,
        "alt_text": brand.name,
        "link_url": None,
        "width": width,
        "height": height,
    }
    image = {"type": "image", "id": _IMAGE_ID}
    return resource(call, "brand-logo", _LOGO_ID, attributes, {"image": image})


def _image(call: Call, brand: Brand) -> dict[str, Any]:
    attributes = {
        "name": brand.logo,
        "image_url": f"{call.request.host_url}static/brands/{brand.logo}",
        "format": "png",
        "size": len(_LOGOS.joinpath(brand.logo).read_bytes()),
        "hidden": False,
        "updated_at": _UPDATED,
    }
    return resource(call, "image", _IMAGE_ID, attributes)


def _email_defaults(call: Call, brand: Brand) -> dict[str, Any]:
    related = {
        "brand-button": {"type": "brand-button", "id": _BUTTON_ID},
        "brand-logo": {"type": "brand-logo", "id": _LOGO_ID},
        "brand-social-group": None,
    }
    return resource(call, "brand-email-default", _DEFAULTS_ID, brand.email_defaults, related)


def _related_to_defaults(call: Call, brand: Brand) -> dict[str, dict[str, Any]]:
    return {"brand-button": _button(call, brand), "brand-logo": _logo(call, brand)}


OPERATIONS = (
    Operation("GET", "/api/brand-buttons", _LIMIT, _list(_button)),
    Operation("GET", "/api/brand-colors", _LIMIT, _list(_colors)),
    Operation(
        "GET",
        "/api/brand-logos",
        _LIMIT,
        _list(_logo, lambda call, brand: {"image": _image(call, brand)}),
    ),
    Operation(
        "GET", "/api/brand-email-defaults", _LIMIT, _list(_email_defaults, _related_to_defaults)
    ),
)
