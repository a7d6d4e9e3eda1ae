"""`/demo/…`: what the bar's buttons do. Only for visitors on this machine, in a demo."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask import url_for as url
from werkzeug.wrappers import Response as BaseResponse

from notify_me import admin, current_catalog
from storefront.base.database import db
from storefront.base.languages import within_the_shop
from storefront.base.loopback import demo_visitor
from storefront.base.models import Order, OrderLine, ProductVariant
from storefront.buying import cart
from storefront.catalog import departments, json_file, loader, queries, restocking
from storefront.merchant import access

from . import mode, sandbox, tour
from .bar import panel

logger = logging.getLogger(__name__)
blueprint = Blueprint(
    "demo", __name__, url_prefix="/demo", template_folder="templates", static_folder="static"
)


@blueprint.before_request
def only_here() -> None:
    """Keep everyone else out.

    :raise 404: the demo is off, or the request isn't from this machine.
    """
    if not demo_visitor():
        abort(404)


@blueprint.after_request
def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/mode")
def set_mode() -> BaseResponse:
    """Let Klaviyo be called by the server or the browser, for this visitor alone.

    :raise 404: there is no key for that mode.
    """
    wanted = request.form.get("mode", "")
    if wanted not in admin.modes():
        abort(404)
    response = redirect(_here(), code=303)
    mode.choose(response, wanted)
    return response


@blueprint.get("/tour")
def show_tour() -> str:
    """The tour's panel, for the script that puts it in place of the one that is there."""
    found = panel()
    found["here"] = _here()
    return render_template("demo/tour.html", **found)


@blueprint.post("/tour")
def go_on() -> BaseResponse:
    """Begin the tour, go to another of its steps (`step`), or leave it (`leave`).

    :raise 404: nothing stands in for Klaviyo, so there is nothing to look into.
    """
    stand_in = sandbox.current()
    if stand_in is None:
        abort(404)
    if "leave" in request.form:
        return _to(_here(), None)
    going, step = tour.read(), request.form.get("step", type=int)
    if going is None or step is None:
        return _begin(stand_in)
    variant = tour.variant_of(going)
    if variant is None:
        return _begin(stand_in)
    going = going.at(step)
    if going.step == 5:
        return _to(url("merchant.show", product=variant.product.handle), going)
    return _to(_page_of(variant) if going.step in (1, 2, 7) else _here(), going)


def _begin(stand_in: sandbox.Sandbox) -> BaseResponse:
    try:
        going = tour.begin(stand_in)
    except sandbox.SandboxAway:
        return make_response(render_template("demo/away.html", url=stand_in.url), 503)
    if going is None:
        return redirect(url("demo.ask_to_start_again"), code=303)
    variant = tour.variant_of(going)
    if variant is None:
        abort(404)
    return _to(_page_of(variant), going)


def _page_of(variant: ProductVariant) -> str:
    return url("shop.product", handle=variant.product.handle, variant=variant.sku)


def _to(place: str, going: tour.Tour | None) -> BaseResponse:
    response = redirect(place, code=303)
    tour.write(response, going)
    return response


@blueprint.get("/reset")
def ask_to_start_again() -> str | BaseResponse:
    """Ask whether all that was done in the demo shall go, once the merchant's password is given.

    :raise 404: the shop speaks to Klaviyo itself.
    """
    if sandbox.current() is None:
        abort(404)
    return access.require_access() or render_template("demo/reset.html")


@blueprint.post("/reset")
def start_again() -> BaseResponse:
    """Bring shop, sign-ups and Klaviyo's stand-in back to where the demo began.

    :raise 404: the shop speaks to Klaviyo itself, whose data is nobody's to delete from here.
    """
    stand_in = sandbox.current()
    if stand_in is None:
        abort(404)
    # orders and sign-ups are the merchant's
    if asked := access.require_access():
        return asked
    try:
        stand_in.reset()
    except sandbox.SandboxAway:
        return make_response(render_template("demo/away.html", url=stand_in.url), 503)
    admin.forget_everything()
    for table in (OrderLine, Order):
        db.session.execute(sa.delete(table))
    if departments.last_import() is None:
        loader.load(db.session, json_file.read(json_file.OWN), stock=True)
    else:
        # a merchant's own products are nothing that the demo began with
        db.session.commit()
    if current_catalog().writable:
        # the stand-in's stock too: what it believes to be there could not come back
        try:
            admin.push_catalog(queries.all_products, restocking.root())
        except admin.PushError as error:
            logger.warning("Klaviyo's stand-in has not got the catalog: %s", error)
    response = redirect(url("shop.listing"), code=303)
    cart.write(response, {})
    tour.write(response, None)
    mode.forget(response)
    return response


def _here() -> str:
    """The page of the shop that the visitor came from."""
    return within_the_shop(request.values.get("here", "/"))
