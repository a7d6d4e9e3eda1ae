"""The toolbar at the top of the shop's pages: mode switch, tour, and links to the merchant's pages
and the sandbox.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from notify_me import admin, current_catalog
from storefront import db
from storefront.base.current_shop import shop
from storefront.base.languages import local_path
from storefront.base.visitor import is_demo_visitor
from storefront.catalog.pictures import variant_image
from storefront.merchant import access

from . import sandbox, tour

SANDBOX_PAGES = (
    ("Requests", "requests"),
    ("Mailbox", "mailbox"),
    ("Simulate failures", "drills"),
)


def demo_bar() -> Markup:
    """Return the toolbar for `base.html`; empty for visitors who may not see the demo."""
    if not is_demo_visitor():
        return Markup("")
    pages = (
        ("Demand", "demand.show"),
        ("Stock and orders", "merchant.show"),
        *access.extra_pages(),
    )
    html = render_template(
        "demo/bar.html",
        mode=admin.mode(),
        pages=[(name, url_for(endpoint), request.endpoint == endpoint) for name, endpoint in pages],
        sandbox_pages=SANDBOX_PAGES,
        # the tour restocks a product, so it needs a catalog whose stock the shop sends to Klaviyo
        tour_available=current_catalog().writable,
        welcome=request.endpoint == "shop.listing" and not request.args and tour.shows_welcome(),
        **tour_context(local_path(request.full_path.removesuffix("?"))),
    )
    return Markup(html)  # noqa: S704 - Jinja's own output


def tour_context(here: str) -> dict[str, Any]:
    """Return the variables of `tour.html`; `here` is the page that its forms return to."""
    klaviyo_sandbox, current = sandbox.current(), tour.read()
    progress = None
    if current and klaviyo_sandbox:
        # Errors are ignored, since the page that reports a database error also has the toolbar.
        # Without a savepoint, PostgreSQL would refuse the page's other queries after a failed one.
        with suppress(SQLAlchemyError), db.session.begin_nested():
            progress = tour.progress(current, klaviyo_sandbox)
    return {
        "sandbox": klaviyo_sandbox,
        "tour": current if progress else None,
        "progress": progress,
        "steps": tour.STEPS,
        "picture": variant_image(progress.variant).url if progress and progress.message else "",
        "sender": shop().name,
        "modes": admin.available_modes(),
        "here": here,
        "studio_url": next(
            (url_for(name) for _, name in access.extra_pages() if name == "studio.show"), ""
        ),
    }
