"""The views of `/studio`. A visitor's changes are visible only to that visitor until they are
published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    request,
    url_for,
)
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from notify_me import SettingsError, studio

from ..base import headers
from ..catalog import browsing, queries
from ..merchant import access
from ..merchant.inventory import database_unavailable
from ..shop import views as shop
from . import looks, publishing, snippets
from .changes import check, differences, sentence_from
from .controls import read_form
from .page import Draft, render_page, settings_file
from .presets import BRAND, apply_preset, read_brand
from .preview import PreviewOptions, one_product_sold_out, sold_out_products
from .sections import values_of, without_unchanged

blueprint = Blueprint(
    "studio",
    __name__,
    url_prefix="/studio",
    template_folder="templates",
    static_folder="static",
)
access.protect(blueprint)
blueprint.register_error_handler(SQLAlchemyError, database_unavailable)

MAX_REQUEST_BYTES = 1_500_000
"""Enough for the longest script, with every byte encoded as %XX, and all settings."""
TOO_LARGE = "Your changes are too long to save. Shorten some of the text."


@blueprint.before_request
def limit_size() -> None:
    """Limit the size of requests."""
    request.max_content_length = request.max_form_memory_size = MAX_REQUEST_BYTES


@blueprint.errorhandler(RequestEntityTooLarge)
def request_too_large(error: RequestEntityTooLarge) -> Response:
    """Show an error next to the script's field, with status 422."""
    problem = f"This script is too long: the limit is {studio.SNIPPET_LIMIT:,} bytes."
    draft = Draft(snippet_problem=problem)
    return render_page(looks.History.of_request(), _current_changes(), request.args, draft)


@blueprint.get("")
def show() -> Response:
    """Show the Studio. `?look=<id>` applies that look. If the link is on another site, the look is
    only offered: otherwise, any site could change how the shop looks to this visitor.
    """
    look = request.args.get("look")
    history, changes = looks.History.of_request(), _current_changes()
    if look is None or look == history.look:
        return render_page(history, changes, request.args)
    if looks.load(look) is None:
        return render_page(history, changes, request.args, Draft(expired=True))
    if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
        return _redirect(history.with_look(look), request.args)
    return render_page(history, changes, request.args, Draft(offered_look=look))


@blueprint.post("")
def change() -> Response:
    """Apply the submitted settings and the pressed button's action, `do`; 422 for invalid input."""
    form = request.form
    action, _, argument = form.get("do", "preview").partition(":")
    history = looks.History.of_request()
    match action:
        case "undo":
            return _redirect(history.moved(-1), form)
        case "redo":
            return _redirect(history.moved(1), form)
        case "reset":
            return _redirect(history.with_look(looks.NO_CHANGES), form)
        case "unpublish" if publishing.can_undo():
            return _undo_publishing(history)
        case "accept" if looks.load(argument) is not None:
            return _redirect(history.with_look(argument), form)
    current = _current_changes()
    values = _entered(form)
    draft = Draft(values, snippet=form.get("snippet", ""))
    changes: Mapping[str, Any] = {**current, **values}
    match action:
        case "preset":
            if argument == BRAND:
                try:
                    read_brand()
                except studio.BrandError as error:
                    problem = f"Your brand couldn’t be read. {sentence_from(str(error))}"
                    draft = replace(draft, problems={"": problem})
                    return render_page(history, current, form, draft)
            changes = apply_preset(argument, changes)
        case "color":
            key, _, color = argument.partition("=")
            changes = {**changes, key: color}
        case "revert":
            changes = {key: value for key, value in changes.items() if key != argument}
    if problems := check(changes).problems:
        return render_page(history, current, form, replace(draft, problems=problems))
    if action == "publish":
        return _publish(history, changes, draft)
    if action == "snippet":
        return _import_snippet(history, changes, draft)
    try:
        look = _save(changes)
    except looks.TooLarge:
        return render_page(history, current, form, replace(draft, problems={"": TOO_LARGE}))
    return _redirect(history.with_look(look), form)


def _entered(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the submitted values that differ from those the form was rendered with. The others may
    be out of date: somebody may have changed the settings in another tab or browser.
    """
    settings = check(_current_changes()).settings or studio.shop_settings()
    values = read_form(form, values_of(settings))
    return without_unchanged(values, form.get("rendered", ""))


def _publish(history: looks.History, changes: Mapping[str, Any], draft: Draft) -> Response:
    """Use the changes for all shoppers, and show the result."""
    settings = check(changes).settings or studio.shop_settings()
    try:
        ineffective = publishing.publish(differences(settings, studio.shop_settings()))
    except (OSError, studio.MissingExtraError, SettingsError) as error:
        problem = f"These settings couldn’t be applied to the shop: {error}."
        if isinstance(error, SettingsError):
            problem = (
                "These settings couldn’t be applied to the shop. Check its settings files and "
                f"environment variables: {error}"
            )
        return render_page(history, changes, request.form, replace(draft, problems={"": problem}))
    history = history.with_look(looks.NO_CHANGES)
    response = render_page(history, {}, request.form, Draft(ineffective=ineffective))
    history.save(response, url_for("studio.show"))
    return response


def _undo_publishing(history: looks.History) -> Response:
    """Restore the settings from before they were published, and show the Studio."""
    try:
        publishing.undo()
    except OSError as error:
        problem = f"The previous settings couldn’t be restored: {error}."
        return render_page(history, _current_changes(), request.form, Draft(problems={"": problem}))
    return _redirect(history, request.form)


def _import_snippet(history: looks.History, changes: Mapping[str, Any], draft: Draft) -> Response:
    """Import a script, and show the report."""
    try:
        report = snippets.read(draft.snippet, changes)
        changes = {**changes, **report.settings}
        history = history.with_look(_save(changes))
    except (snippets.SnippetUnreadable, looks.TooLarge) as error:
        problem = str(error) or TOO_LARGE
        return render_page(
            history, _current_changes(), request.form, replace(draft, snippet_problem=problem)
        )
    draft = Draft(snippet=draft.snippet, report=report)
    response = render_page(history, changes, request.form, draft)
    history.save(response, url_for("studio.show"))
    return response


@blueprint.get("/preview")
def preview() -> Response:
    """Show a page of the shop with this visitor's settings, and the form in the requested state.

    :raise 404: a product page was requested, but no product has a sold-out variant.
    """
    products = sold_out_products()
    options = PreviewOptions.of(request.args, products)
    studio.preview(options.kit_state)
    template = "studio/preview.html"
    if options.state == "cards":
        with one_product_sold_out() as category:
            query = browsing.ListingQuery(category=category)
            html = shop.listing_page(query, template, layout="shop/listing.html")
    else:
        product = queries.find_product(options.product)
        if product is None:
            abort(404)
        _, sku = products[options.product]
        variant = next(variant for variant in product.variants if variant.sku == sku)
        html = shop.product_page(product, variant, template, layout="shop/product.html")
    response = make_response(html)
    response.headers["Content-Security-Policy"] = headers.csp(frame_ancestors="'self'")
    return response


@blueprint.get("/notify_me.toml")
def download() -> Response:
    """Download this visitor's settings as a complete settings file."""
    settings = check(_current_changes()).settings or studio.shop_settings()
    response = make_response(settings_file(settings))
    response.headers["Content-Type"] = "application/toml"
    response.headers["Content-Disposition"] = 'attachment; filename="notify_me.toml"'
    return response


def _current_changes() -> Mapping[str, Any]:
    """Return the changes of this visitor's look; empty if it has expired."""
    return looks.load(looks.current()) or {}


def _save(changes: Mapping[str, Any]) -> str:
    """Save what differs from the merchant's settings, and return the look's ID."""
    settings = check(changes).settings
    return looks.save(differences(settings, studio.shop_settings()) if settings else {})


def _redirect(history: looks.History, fields: Mapping[str, str]) -> Response:
    """Redirect to the Studio with another look and the preview that `fields` select."""
    location = PreviewOptions.of(fields, sold_out_products()).studio_url()
    response = make_response(redirect(location, code=303))
    history.save(response, url_for("studio.show"))
    return response
