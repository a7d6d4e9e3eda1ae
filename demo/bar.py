"""The bar above the demo's pages: who calls Klaviyo, what else there is to see, and the tour."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from notify_me import admin, current_catalog
from storefront.base.languages import within_the_shop
from storefront.base.loopback import demo_visitor
from storefront.merchant import access

from . import sandbox, tour


def demo_bar() -> Markup:
    """The bar, for `base.html`; nothing for visitors whom the demo isn't for."""
    if not demo_visitor():
        return Markup("")
    text = render_template(
        "demo/bar.html",
        mode=admin.mode(),
        links=_links(),
        # else no restock would reach Klaviyo, and the tour's story would have no end
        stock_is_told=current_catalog().writable,
        **panel(),
    )
    return Markup(text)  # noqa: S704 - Jinja's own output


def panel() -> dict[str, Any]:
    """What the tour's panel shows: `tour` and `facts`, both None off the tour."""
    stand_in, going = sandbox.current(), tour.read()
    try:
        found = tour.facts(going, stand_in) if going and stand_in else None
    except SQLAlchemyError:
        # an error page has the bar too, and the database may be what failed
        found = None
    return {
        "sandbox": stand_in,
        "tour": going if found else None,
        "facts": found,
        "steps": tour.STEPS,
        "modes": admin.modes(),
        "here": within_the_shop(request.full_path.removesuffix("?")),
    }


def _links() -> list[tuple[str, str, bool]]:
    """Name, address, and whether it is the page that is open; Klaviyo's stand-in comes last."""
    own = (*access.extra_pages(), ("Merchant", "merchant.show"))
    links = [(name, url_for(endpoint), request.endpoint == endpoint) for name, endpoint in own]
    if stand_in := sandbox.current():
        pages = (
            ("Requests", "requests"),
            ("Waiting list", "waiting"),
            ("Mailbox", "mailbox"),
            ("Drills", "drills"),
        )
        links += [(name, f"{stand_in.url}/{path}", False) for name, path in pages]
    return links
