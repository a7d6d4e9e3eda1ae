"""The form at `/notify-me/<composite id>`: shown by GET, sent by POST."""

from __future__ import annotations

import logging
from urllib.parse import quote

from flask import Blueprint, Response, abort, current_app, request
from itsdangerous import BadData
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import PathConverter

from ..context import current_form_options, current_settings, current_state
from ..form.sign_up_form import SignUpForm
from ..i18n import locales
from ..i18n.catalogs import N_
from ..i18n.text import bidi_isolate, gettext, language
from ..klaviyo.calls import Operation
from ..store.logged import LoggedCall, LoggedSignUp
from ..store.tables import CallState
from . import abuse, responses, theme
from .preview import mark, previewing, simulated_success
from .product import Product, load_product
from .submission import LINK_AGE, by_browser, process

logger = logging.getLogger(__name__)

MAX_BODY = 16 * 1024
"""Bytes that a sign-up may have: ten composite IDs, an address and room to spare."""

NOBODY = "-"
"""Stands in a done link for a sign-up that was dropped."""

blueprint = Blueprint(
    "notify_me",
    "notify_me",  # templates and static files are the package's
    template_folder="templates",
    static_folder="static",
)
blueprint.url_defaults(mark)


class CompositeIDConverter(PathConverter):
    """`path`, but with every reserved character quoted: browsers resolve `..` in a path."""

    def to_url(self, value: str) -> str:
        """The ID as one segment of a path."""
        return quote(value, safe="")


@blueprint.before_request
def _guard() -> Response | None:
    request.max_content_length = MAX_BODY
    if request.method == "POST" and abuse.is_cross_site():
        logger.warning("refused a post from another site: %s", request.headers.get("Origin", "?"))
        return responses.failed(N_("This request came from another site, so it wasn't taken."), 403)
    return None


@blueprint.url_value_preprocessor
def _exempt_from_csrf_tokens(_endpoint: str | None, _values: object) -> None:
    """Fetch Metadata guards these pages. Flask-WTF's `CSRFProtect` would refuse their forms, which
    have no token; this runs before it, whichever of the two was set up first.
    """
    csrf = current_app.extensions.get("csrf")
    if csrf is not None and hasattr(csrf, "exempt"):
        csrf.exempt(blueprint)


@blueprint.after_request
def _private(response: Response) -> Response:
    """Forms and replies are one shopper's own; static files keep their headers."""
    if request.endpoint not in ("notify_me.static", "notify_me.theme_css"):
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.update(["X-Notify-Me", *locales.VARY])
        response.content_language.add(language().tag)
    return response


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(error: RequestEntityTooLarge) -> Response:
    return responses.failed(N_("That was more than a sign-up can hold, so it wasn't taken."), 413)


@blueprint.get("/theme.css")
def theme_css() -> Response:
    """The merchant's looks; kept for a year under the address that names their version."""
    found = theme.of(current_settings())
    response = Response(found.css, mimetype="text/css")
    if request.args.get("v") == found.version:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response


# an ID may hold "//", which Werkzeug would otherwise fold into "/" by a redirect
@blueprint.get("/<composite_id:composite_id>", merge_slashes=False)
def show(composite_id: str) -> Response:
    """The form, as a page or (with `X-Notify-Me: 1`) as a fragment; 404 for an unknown ID."""
    product = load_product(composite_id)
    if product is None:
        abort(404)
    if done := request.args.get("done"):
        return _done(product, done)
    choose = _must_choose(product)
    variant, trigger = product.variant, current_settings().trigger
    if not (product.alertable_variants if choose else trigger.offers_alert(variant)):
        asked = product.variants if choose else [variant]
        back = [each for each in asked if trigger.can_buy(each)]
        return (
            responses.available(back[0], status=200)
            if back
            else responses.alerts_unavailable(variant)
        )
    chosen = [] if choose else [str(variant.composite_id)]
    data = {"variants": chosen}
    form = SignUpForm(offered_variants=product.variants, options=current_form_options(), data=data)
    return responses.FormReply(form, product, choose=choose).shown()


def _must_choose(product: Product) -> bool:
    return "choose" in request.args and len(product.variants) > 1


def _done(product: Product, signed: str) -> Response:
    state = current_state()
    try:
        sign_up_id = state.done_signer.loads(signed, max_age=LINK_AGE)
    except BadData:
        abort(404)
    if sign_up_id == NOBODY:
        variant = str(product.variant.composite_id)
        asked = LoggedCall(Operation.BACK_IN_STOCK, variant, CallState.ACCEPTED, message="")
        return responses.done(LoggedSignUp((), None, None, (), (asked,)), product)
    if (logged := state.log.read(sign_up_id)) is None:
        abort(404)
    return responses.done(logged, product)


@blueprint.post("/<composite_id:composite_id>", merge_slashes=False)
def submit(composite_id: str) -> Response:
    """Take a sign-up; the replies are the design's table: done, invalid, available, failed."""
    product = load_product(composite_id)
    if product is None:
        return responses.unknown()
    given = request.form
    # a list in which nothing is ticked is an error; without one, the address says which is meant
    if "variants" not in given and not {"choose", "listed"} & {*request.args}:
        given = given.copy()  # type: ignore[assignment]
        given["variants"] = composite_id
    form = SignUpForm(given, offered_variants=product.variants, options=current_form_options())
    form_reply = responses.FormReply(form, product, choose=_must_choose(product))
    if previewing():
        return _simulated(form_reply) if form.validate() else form_reply.invalid()
    reporting = by_browser() and "sign_up" in request.form
    try:
        abuse.count_address()
        dropped = abuse.honeypot_filled()
        if not form.validate():
            return form_reply.invalid()
        sign_up = form.to_sign_up()
        if not reporting:
            abuse.count_contacts(sign_up)
    except abuse.RateLimited as error:
        return form_reply.too_many(error.retry_after)
    if dropped:
        logger.info("a sign-up with the hidden field filled in was dropped")
        return _simulated(form_reply)
    # what a browser has sent already is recorded, whatever came back meanwhile
    back = None if reporting else _available(form_reply)
    return back or process(sign_up, form_reply)


def _simulated(form_reply: responses.FormReply) -> Response:
    """What a success reads like, for a machine or a preview: nothing is logged, nothing sent."""
    product = form_reply.product
    if not responses.from_element():
        signed = current_state().done_signer.dumps(NOBODY)
        return responses.done_link(product.variant, signed)
    logged = simulated_success(form_reply.form.to_sign_up())
    return responses.done(logged, product, simulated=previewing())


def _available(form_reply: responses.FormReply) -> Response | None:
    """The reply for chosen variants that can be bought or aren't watched; None when all wait."""
    form, product = form_reply.form, form_reply.product
    chosen = [each for each in product.variants if str(each.composite_id) in form.selected_variants]
    gone = [each for each in chosen if each not in product.alertable_variants]
    back = [each for each in gone if current_settings().trigger.can_buy(each)]
    if not gone:
        return None
    if len(gone) == len(chosen):
        return (
            responses.available(back[0], status=409)
            if back
            else responses.alerts_unavailable(gone[0])
        )
    blocked = [each for each in gone if each not in back]
    told = (
        (N_("Back in stock meanwhile: %(options)s. You can buy that now."), back),
        (N_("We send no notices about %(options)s. Please choose again."), blocked),
    )
    form.variants.errors = [
        gettext(words, options=", ".join(bidi_isolate(each.title) for each in group))
        for words, group in told
        if group
    ]
    return form_reply.invalid()
