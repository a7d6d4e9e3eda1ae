"""`/studio`: for whoever may enter the back room. What is chosen is this visitor's alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from notify_me import studio

from ..base import headers
from ..catalog import browsing, queries
from ..merchant import access
from ..shop import views as shop
from . import looks, shown, snippets
from .changes import check, differing
from .controls import changes_in
from .page import Draft, page, toml
from .presets import applied
from .sections import values_of

logger = logging.getLogger(__name__)
blueprint = Blueprint(
    "studio",
    __name__,
    url_prefix="/studio",
    template_folder="templates",
    static_folder="static",
)

MOST_BYTES = 1_500_000
"""Of a post: a snippet at its longest, each byte written as %XX, and the settings."""
TOO_LARGE = "These texts are more than can be kept: shorten some of them."
STEPS = {"undo": -1, "redo": 1}


access.protect(blueprint)


@blueprint.before_request
def bound() -> None:
    """Bound what is read of a post."""
    request.max_content_length = request.max_form_memory_size = MOST_BYTES


@blueprint.errorhandler(SQLAlchemyError)
def away(error: SQLAlchemyError) -> Response:
    """Say that the database doesn't answer; 503."""
    logger.error("the database doesn't answer: %s", type(error).__name__, exc_info=error)
    return make_response(render_template("merchant/unavailable.html"), 503)


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> Response:
    """Say how much a snippet may have; 422, beside the box."""
    words = f"That is too much: {studio.SNIPPET_LIMIT:,} bytes of a snippet at most are read here."
    return page(looks.History.of_request(), _changes(), request.args, Draft(snippet_problem=words))


@blueprint.get("")
def show() -> Response:
    """The Studio; with `?look=<id>` that look is taken over, or offered where another site asks."""
    shared = request.args.get("look")
    history, changes = looks.History.of_request(), _changes()
    if shared is None or shared == history.look:
        return page(history, changes, request.args)
    if looks.read(shared) is None:
        return page(history, changes, request.args, Draft(missing=True))
    # a link typed, pasted or followed from here; another site must not change this visitor's shop
    if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
        return _chosen(history.then(shared), request.args)
    return page(history, changes, request.args, Draft(offered=shared))


@blueprint.post("")
def change() -> Response:
    """Apply what the form holds and what its button asks for; 422 with errors beside the fields."""
    form = request.form
    does, _, about = form.get("do", "preview").partition(":")
    history = looks.History.of_request()
    if does in STEPS:
        return _chosen(history.moved(STEPS[does]), form)
    if does == "reset":
        return _chosen(history.then(looks.NOTHING), form)
    if does == "take" and looks.read(about) is not None:
        return _chosen(history.then(about), form)
    changes = _changes()
    now = values_of(check(changes).settings or studio.merchant_settings())
    typed = changes_in(form, now)
    draft = Draft(typed, snippet=form.get("snippet", ""))
    wanted: Mapping[str, Any] = {**changes, **typed}
    if does == "preset":
        wanted = applied(about, wanted)
    elif does == "restore":
        wanted = {key: value for key, value in wanted.items() if key != about}
    checked = check(wanted)
    if checked.settings is None:
        return page(history, changes, form, replace(draft, problems=checked.problems))
    if does == "snippet":
        return _imported(history, wanted, draft)
    try:
        return _chosen(history.then(_kept(wanted)), form)
    except looks.TooLarge:
        return page(history, changes, form, replace(draft, problems={"": TOO_LARGE}))


def _imported(history: looks.History, wanted: Mapping[str, Any], draft: Draft) -> Response:
    """The page with the report: there is nothing to lead on to."""
    try:
        report = snippets.read(draft.snippet, wanted)
        wanted = {**wanted, **report.settings}
        history = history.then(_kept(wanted))
    except snippets.Unread as error:
        draft = replace(draft, snippet_problem=str(error))
        return page(history, _changes(), request.form, draft)
    except looks.TooLarge:
        draft = replace(draft, snippet_problem=TOO_LARGE)
        return page(history, _changes(), request.form, draft)
    response = page(history, wanted, request.form, Draft(snippet=draft.snippet, report=report))
    history.choose(response, url_for("studio.show"))
    return response


@blueprint.get("/preview")
def preview() -> Response:
    """A real page of the shop under this visitor's look, the form in the state asked for.

    :raise 404: no product has a variant that is sold out.
    """
    products = shown.products()
    view = shown.Shown.of(request.args, products)
    studio.preview(view.form_state)
    template = "studio/preview.html"
    if view.state == "cards":
        browse = browsing.Browse(category=shown.department())
        text = shop.listing_page(browse, template, layout="shop/listing.html")
    else:
        product = queries.product(view.product)
        if product is None:
            abort(404)
        _, sku = products[view.product]
        chosen = next(each for each in product.variants if each.sku == sku)
        text = shop.product_page(product, chosen, template, layout="shop/product.html")
    response = make_response(text)
    response.headers["Content-Security-Policy"] = headers.policy(frame_ancestors="'self'")
    return response


@blueprint.get("/notify_me.toml")
def download() -> Response:
    """This visitor's look as a whole file, for the shop to start with."""
    settings = check(_changes()).settings or studio.merchant_settings()
    response = make_response(toml(settings))
    response.headers["Content-Type"] = "application/toml"
    response.headers["Content-Disposition"] = 'attachment; filename="notify_me.toml"'
    return response


def _changes() -> Mapping[str, Any]:
    """The changes of this visitor's look; none where it is kept no longer."""
    return looks.read(looks.chosen()) or {}


def _kept(wanted: Mapping[str, Any]) -> str:
    """Keep what differs from the merchant's settings; returns the look's ID."""
    settings = check(wanted).settings
    return looks.keep(differing(settings, studio.merchant_settings()) if settings else {})


def _chosen(history: looks.History, given: Mapping[str, str]) -> Response:
    """Take the look at which the history stands, and show it."""
    address = shown.Shown.of(given, shown.products()).address()
    response = make_response(redirect(address, code=303))
    history.choose(response, url_for("studio.show"))
    return response
