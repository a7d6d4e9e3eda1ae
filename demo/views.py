"""The toolbar's views, under `/demo/`. Only visitors on this machine may use them."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from flask import url_for as url
from werkzeug.wrappers import Response as BaseResponse

from notify_me import VisitorOverrides, admin, current_catalog
from storefront.base.current_shop import last_import, shop
from storefront.base.database import db
from storefront.base.languages import local_path
from storefront.base.models import Order, OrderLine, ProductVariant
from storefront.base.visitor import is_demo_visitor
from storefront.buying import cart
from storefront.catalog import json_file, loader, queries, restocking
from storefront.catalog.stock import is_available
from storefront.merchant import access

from . import samples, sandbox, tour
from .bar import tour_context
from .keys import OFFERED_CHANNELS

logger = logging.getLogger(__name__)
blueprint = Blueprint(
    "demo", __name__, url_prefix="/demo", template_folder="templates", static_folder="static"
)

MODE_COOKIE = "notify_me_mode"
MODE_MAX_AGE = 30 * 86400  # seconds
MODES: dict[str, Literal["server", "client"]] = {"server": "server", "client": "client"}


def visitor_overrides() -> VisitorOverrides | None:
    """Return the mode that this visitor has chosen; None for visitors who may not see the demo."""
    if not is_demo_visitor():
        return None
    return VisitorOverrides(mode=MODES.get(request.cookies.get(MODE_COOKIE, "")))


@blueprint.before_request
def require_demo_visitor() -> None:
    """Hide the demo from other visitors.

    :raise 404: the demo is off, or the request isn't from this machine.
    """
    if not is_demo_visitor():
        abort(404)


@blueprint.after_request
def _make_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/mode")
def set_mode() -> BaseResponse:
    """Choose whether the server or the browser calls Klaviyo, for this visitor only.

    :raise 404: there is no key for that mode.
    """
    mode = request.form.get("mode", "")
    if mode not in admin.available_modes():
        abort(404)
    response = redirect(_previous_page(), code=303)
    response.set_cookie(MODE_COOKIE, mode, httponly=True, samesite="Lax", max_age=MODE_MAX_AGE)
    return response


@blueprint.get("/tour")
def show_tour() -> str:
    """Return the tour's panel, for the script that updates it."""
    return render_template("demo/tour.html", **tour_context(_previous_page()))


@blueprint.post("/tour")
def update_tour() -> BaseResponse:
    """Begin the tour, or continue it: show or hide the API calls (`developer`), restock the
    product (`restock`), follow the message's link (`open`), or end the tour (`leave`).

    :raise 404: the shop doesn't use the sandbox.
    """
    klaviyo_sandbox = _require_sandbox()
    if "leave" in request.form:
        return _redirect(_previous_page(), None)
    current = tour.read()
    variant = tour.find_variant(current) if current else None
    if current is None or variant is None or "begin" in request.form:
        return _begin_tour(klaviyo_sandbox)
    if "developer" in request.form:
        shows_api_calls = request.form["developer"] == "1"
        return _redirect(_previous_page(), replace(current, shows_api_calls=shows_api_calls))
    # built before the restock, which ends the transaction in which the variant was read
    page = _product_page(variant)
    if "restock" in request.form:
        if sign_in := access.require_access():
            return sign_in
        if not is_available(variant):
            restocking.set_stock(variant, tour.RESTOCK_QUANTITY)
    if "open" in request.form:
        current = replace(current, opened=True)
    return _redirect(page, current)


def _begin_tour(klaviyo_sandbox: sandbox.Sandbox) -> BaseResponse:
    try:
        begun = tour.begin(klaviyo_sandbox)
    except sandbox.SandboxUnavailable:
        return _sandbox_unavailable(klaviyo_sandbox)
    variant = tour.find_variant(begun) if begun else None
    if variant is None:
        # nothing is sold out
        return redirect(url("demo.confirm_reset"), code=303)
    response = _redirect(_product_page(variant), begun)
    _forget_sign_ups(response)
    return response


def _forget_sign_ups(response: BaseResponse) -> None:
    """Make the browser forget the sign-ups made in its tabs, so that buttons are shown again."""
    response.headers["Clear-Site-Data"] = '"storage"'


@blueprint.post("/welcome")
def dismiss_welcome() -> BaseResponse:
    """Hide the welcome card."""
    response = redirect(_previous_page(), code=303)
    tour.hide_welcome(response)
    return response


@blueprint.get("/your-shop")
def show_your_shop() -> str:
    """Show how to add the kit to a Flask shop."""
    return render_template("demo/your_shop.html")


def checkout_defaults() -> dict[str, str]:
    """Return delivery details to fill in at checkout during the tour; empty at other times."""
    klaviyo_sandbox = sandbox.current() if is_demo_visitor() else None
    current = tour.read() if klaviyo_sandbox else None
    progress = tour.progress(current, klaviyo_sandbox) if current and klaviyo_sandbox else None
    if progress is None:
        return {}
    email = progress.contact if "@" in progress.contact else "isla@example.com"
    return {"name": "Isla Reid", "email": email, "address": "1 Rain Row\nLerwick\nZE1 0AA"}


@blueprint.get("/reset")
def confirm_reset() -> str | BaseResponse:
    """Ask for confirmation, and for the merchant's password if one is set.

    :raise 404: the shop doesn't use the sandbox.
    """
    _require_sandbox()
    return access.require_access() or render_template(
        "demo/reset.html", imported=last_import() is not None
    )


@blueprint.post("/reset")
def reset() -> BaseResponse:
    """Delete orders, sign-ups, messages and Studio settings, and restore the sample data and stock.

    Imported products keep their stock.

    :raise 404: the shop doesn't use the sandbox. A real Klaviyo account is never reset.
    """
    klaviyo_sandbox = _require_sandbox()
    # orders and sign-ups belong to the merchant
    if sign_in := access.require_access():
        return sign_in
    try:
        klaviyo_sandbox.reset()
    except sandbox.SandboxUnavailable:
        return _sandbox_unavailable(klaviyo_sandbox)
    admin.delete_everything()
    for table in (OrderLine, Order):
        db.session.execute(sa.delete(table))
    if last_import() is None:
        loader.load(
            db.session, json_file.read(json_file.SHOP_CATALOG, shop().departments), stock=True
        )
    else:
        # imported products stay as they are, so only the deletion of the orders is committed
        db.session.commit()
    if current_catalog().writable:
        # the sandbox must know the current stock to notice a restock
        try:
            admin.push_catalog(queries.all_products, restocking.shop_url())
        except admin.PushError as error:
            logger.warning("the catalog wasn't copied to the Klaviyo sandbox: %s", error)
    samples.refresh()
    _remove_studio_settings()
    response = _redirect(url("shop.listing"), None)
    cart.write(response, {})
    response.delete_cookie(MODE_COOKIE, httponly=True, samesite="Lax")
    _forget_sign_ups(response)
    return response


def _remove_studio_settings() -> None:
    """Delete the settings saved by "Use in this shop" in the Studio. The shop rereads its settings
    before the next request.
    """
    file = Path(current_app.config["NOTIFY_ME_INSTANCE_CONFIG"])
    for path in (file, file.with_suffix(".previous.toml")):
        path.unlink(missing_ok=True)
    current_app.config.setdefault(*OFFERED_CHANNELS)


def _require_sandbox() -> sandbox.Sandbox:
    return sandbox.current() or abort(404)


def _sandbox_unavailable(klaviyo_sandbox: sandbox.Sandbox) -> Response:
    return make_response(render_template("demo/unavailable.html", url=klaviyo_sandbox.url), 503)


def _redirect(location: str, current: tour.Tour | None) -> BaseResponse:
    """Redirect, and save the tour in the visitor's browser."""
    response = redirect(location, code=303)
    tour.write(response, current)
    return response


def _product_page(variant: ProductVariant) -> str:
    return url("shop.product", handle=variant.product.handle, variant=variant.sku)


def _previous_page() -> str:
    """Return the page of the shop that the visitor came from."""
    return local_path(request.values.get("here", "/"))
