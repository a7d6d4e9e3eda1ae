"""The form at `/notify-me/<composite id>`, shown by GET and submitted by POST, and `theme.css`."""

from __future__ import annotations

import logging
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, current_app, request
from itsdangerous import BadData
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import PathConverter

from ..context import current_form_options, current_settings, current_state
from ..form.sign_up_form import SignUpForm
from ..i18n import locales
from ..i18n.catalogs import N_
from ..i18n.text import bidi_isolate, gettext
from ..klaviyo import outcomes
from ..klaviyo.calls import Operation
from ..store.logged import LoggedCall, LoggedSignUp
from ..store.tables import CallState
from . import abuse, client_mode, correction, responses, theme
from .preview import mark_urls, previewing, simulated_success
from .product import Product, load_product
from .submission import process, send_from_server

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024
"""The maximum size of a request body: enough for ten composite IDs and the contacts."""

SIMULATED = "-"
"""Replaces the sign-up's ID in the link to the confirmation of a simulated sign-up."""

blueprint = Blueprint(
    "notify_me",
    "notify_me",  # the package with the templates and static files
    template_folder="templates",
    static_folder="static",
)
blueprint.url_defaults(mark_urls)


@blueprint.url_defaults
def _version_static_files(endpoint: str, values: dict[str, Any]) -> None:
    """Change a static file's URL with its content, for shops whose static files are cached for a
    long time (`SEND_FILE_MAX_AGE_DEFAULT`). After an update, browsers load the new file.
    """
    if endpoint == "notify_me.static":
        values.setdefault("v", _content_version(values["filename"]))


@cache
def _content_version(filename: str) -> str | None:
    file = Path(__file__).parents[1] / "static" / filename
    return sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else None


class CompositeIDConverter(PathConverter):
    """Like `path`, but quotes every reserved character, because browsers resolve `..` in paths."""

    def to_url(self, value: str) -> str:
        """Return the ID as one segment of a path."""
        return quote(value, safe="")


@blueprint.before_request
def _prepare() -> Response | None:
    """Limit the request body's size, start the delivery thread, and refuse cross-site posts."""
    request.max_content_length = MAX_BODY_BYTES
    if background := current_state().background:
        background.ensure_running()
    if request.method == "POST" and abuse.is_cross_site():
        logger.warning("refused a cross-site sign-up from %s", request.headers.get("Origin", "?"))
        message = N_("This request came from another website, so we couldn’t accept it.")
        return responses.failed(message, HTTPStatus.FORBIDDEN)
    return None


@blueprint.url_value_preprocessor
def _exempt_from_csrf_tokens(_endpoint: str | None, _values: object) -> None:
    """Keep Flask-WTF's `CSRFProtect` from refusing these forms, which have no token: Fetch Metadata
    protects them. This runs before Flask-WTF's check, even if that was set up first.
    """
    csrf = current_app.extensions.get("csrf")
    if csrf is not None and hasattr(csrf, "exempt"):
        csrf.exempt(blueprint)


@blueprint.after_request
def _add_headers(response: Response) -> Response:
    """Mark forms and replies as private to one shopper, unlike static files and the theme."""
    if request.endpoint not in ("notify_me.static", "notify_me.theme_css"):
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.update(["X-Notify-Me", *locales.VARY])
        response.content_language.add(locales.language().tag)
    return response


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(error: RequestEntityTooLarge) -> Response:
    message = N_("That text was too long. Please shorten it and try again.")
    return responses.failed(message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


@blueprint.errorhandler(SQLAlchemyError)
def _database_unavailable(error: SQLAlchemyError) -> Response:
    """Reply with 503 if the catalog or the sign-up log can't be read. A button in the reply sends
    the form again, so nothing that was typed is lost.
    """
    # only its class is logged, since its text may contain contact details
    logger.error("can't read the catalog or the sign-up log: %s", type(error).__name__)
    submitted = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in (abuse.HONEYPOT, "sign_up", "answers")
    ]
    return responses.failed(outcomes.TRY_AGAIN, HTTPStatus.SERVICE_UNAVAILABLE, submitted)


@blueprint.get("/theme.css")
def theme_css() -> Response:
    """Return the merchant's styles, cacheable for a year under the URL of the current version."""
    stylesheet = theme.build_theme(current_settings())
    response = Response(stylesheet.css, mimetype="text/css")
    if request.args.get("v") == stylesheet.version:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


# an ID may contain "//"; by default, Werkzeug redirects such a URL to one with a single slash
@blueprint.get("/<composite_id:composite_id>", merge_slashes=False)
def show(composite_id: str) -> Response:
    """Return the form as a page, or as a fragment for a request with the `X-Notify-Me` header. For
    a URL with `?done=`, return the confirmation. If no alert is offered, return an explanation.
    For an unknown ID, return 404.
    """
    product = load_product(composite_id)
    if product is None:
        abort(404)
    if signed := request.args.get("done"):
        return _confirmation_page(product, signed)
    choose = _must_choose(product)
    variants = product.variants if choose else [product.variant]
    alertable = product.alertable_variants
    if not any(variant in alertable for variant in variants):
        return responses.alerts_unavailable(variants, status=200)
    selected = [] if choose else [composite_id]
    options = current_form_options()
    form = SignUpForm(
        offered_variants=product.variants,
        options=options,
        data={"variants": selected, "channels": options.preselected_channels},
    )
    return responses.FormReply(form, product, choose).editable()


def _must_choose(product: Product) -> bool:
    return "choose" in request.args and len(product.variants) > 1


def _confirmation_page(product: Product, signed: str) -> Response:
    state = current_state()
    try:
        sign_up_id = client_mode.read_signed(state.confirmation_signer, signed)
    except BadData:
        abort(404)
    if sign_up_id == SIMULATED:
        variant = str(product.variant.composite_id)
        call = LoggedCall(Operation.BACK_IN_STOCK, variant, CallState.ACCEPTED, message="")
        return responses.done(LoggedSignUp((), None, None, (), (call,)), product)
    logged = state.log.read(sign_up_id)
    if logged is None:
        abort(404)
    return responses.done(logged, product)


@blueprint.post("/<composite_id:composite_id>", merge_slashes=False)
def submit(composite_id: str) -> Response:
    """Process a sign-up or, in client mode, the browser's report on its calls. The confirmation's
    "Use another" button also posts here, and the reply is then the form.
    """
    product = load_product(composite_id)
    if product is None:
        return responses.unknown_variant()
    data = request.form.copy()
    # if the form had no list of variants, it was for the variant in the URL; if it had a list,
    # selecting none is an error
    if "variants" not in data and not {"choose", "listed"} & {*request.args}:
        data["variants"] = composite_id
    form = SignUpForm(data, offered_variants=product.variants, options=current_form_options())
    form_reply = responses.FormReply(form, product, _must_choose(product))
    if correction.CHANGE in request.form:
        return _unavailable_reply(form_reply) or form_reply.editable()
    if previewing():
        return _simulate(form_reply) if form.validate() else form_reply.invalid()
    by_browser = client_mode.browser_makes_calls()
    is_report = by_browser and "sign_up" in request.form
    sign_up = form.to_sign_up() if form.validate() else None
    try:
        abuse.count_post(sign_up, is_report=is_report)
    except abuse.RateLimited as error:
        return form_reply.rate_limited(error)
    if sign_up is None:
        return form_reply.invalid()
    if request.form.get(abuse.HONEYPOT):
        abuse.count_honeypot_post()
        message = N_("Your browser filled in a hidden field. We’ve cleared it: please try again.")
        return form_reply.invalid(message)
    if is_report:
        # even if a variant is back in stock, since the browser has made its calls
        return process(sign_up, form_reply, client_mode.accept_report)
    respond = client_mode.hand_to_browser if by_browser else send_from_server
    return _unavailable_reply(form_reply) or process(sign_up, form_reply, respond)


def _simulate(form_reply: responses.FormReply) -> Response:
    """Reply to a preview's form as if the sign-up had succeeded, without logging or sending it."""
    product = form_reply.product
    if not responses.from_element():
        signed = current_state().confirmation_signer.dumps(SIMULATED)
        return responses.redirect_to_confirmation(product.variant, signed)
    sign_up = form_reply.form.to_sign_up()
    return responses.done(simulated_success(sign_up), product, sign_up, simulated=True)


def _unavailable_reply(form_reply: responses.FormReply) -> Response | None:
    """Return the reply if no alert is offered (any more) for a selected variant; None otherwise."""
    form, product = form_reply.form, form_reply.product
    alertable, can_buy = product.alertable_variants, current_settings().trigger.can_buy
    selected = [
        variant
        for variant in product.variants
        if str(variant.composite_id) in form.selected_variants
    ]
    without_alert = [variant for variant in selected if variant not in alertable]
    if not without_alert:
        return None
    if len(without_alert) == len(selected):
        return responses.alerts_unavailable(without_alert, status=409)

    def titles(buyable: bool) -> str:
        return ", ".join(
            bidi_isolate(variant.title) for variant in without_alert if can_buy(variant) == buyable
        )

    form.variants.errors = []
    if options := titles(buyable=True):
        message = N_("You can order %(options)s now, so no alert is needed.")
        form.variants.errors.append(gettext(message, options=options))
    if options := titles(buyable=False):
        message = N_("Alerts aren’t available for %(options)s. Please choose again.")
        form.variants.errors.append(gettext(message, options=options))
    return form_reply.invalid()
