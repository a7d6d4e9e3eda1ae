"""Replies to shoppers: each state of the form as a page, a fragment or JSON."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from flask import (
    Response,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.exceptions import NotFound

from ..channels import Channel
from ..context import current_settings, current_state
from ..form.consent import privacy_link
from ..form.phone import example
from ..form.sign_up_form import SignUpForm
from ..i18n.catalogs import N_
from ..i18n.text import gettext
from ..klaviyo.calls import SignUp
from ..klaviyo.outcomes import NEEDS_SCRIPT
from ..settings.tables.modal import Modal
from ..store.logged import LoggedSignUp
from ..variants import Variant
from .abuse import HONEYPOT, RateLimited
from .confirmation import confirmation
from .page import render_page
from .placeholders import fill_placeholders, sanitized_footer
from .product import Product, form_url
from .templates import kit_template

FORM, DONE = "notify_me/_form.html", "notify_me/_done.html"
"""The templates of the form and of the confirmation."""
OPTIONAL = {"variant": None, "back": False, "body_content": "", "focus": True, "preview": False}
"""Variables of the templates that not every state has. They are always set, since a shop's Jinja
may refuse undefined variables, and a shop may have variables of its own with these names.
"""
RETRY_AFTER = 30
"""The `Retry-After` of a reply with status 503, in seconds."""


def from_element() -> bool:
    """Return whether `<notify-me>` sent this request. If so, it gets a fragment or JSON."""
    return request.headers.get("X-Notify-Me") in ("1", "page")


def _respond(state: str, template: str, status: int, context: Mapping[str, Any]) -> Response:
    """Return a state of the form: as JSON for the element's POST, as a dialog for its GET, and as a
    page for anything else.
    """
    shown = {"state": state, "view": template, "modal": current_settings().modal}
    context = {**OPTIONAL, **context, **shown}
    if not from_element():
        context |= {"heading": "h1", "prefix": "notify-me"}
        return make_response(render_page(context), status)
    # on the form page, the element replaces a view whose title is the page's <h1>
    context["heading"] = "h1" if request.headers["X-Notify-Me"] == "page" else "h2"
    # two forms on one page must not share element IDs
    if request.method == "POST":
        context["prefix"] = f"notify-me-{secrets.token_hex(3)}"
        html = render_template(kit_template("view.html"), **context)
        reply: dict[str, Any] = {"state": state, "html": html, "calls": [], "sign_up": None}
        if state == "done":
            reply |= {"channels": context["results"], "signed_up": context["signed_up"]}
        return _json(reply, status)
    # the same in every request, so that a shop can cache the fragment on its server (browsers must
    # not store it); unique on a page, because a page has at most one dialog for each URL
    context["prefix"] = f"notify-me-{sha256(request.full_path.encode()).hexdigest()[:6]}"
    return make_response(render_template(kit_template("dialog.html"), **context), status)


def _json(reply: Mapping[str, Any], status: int) -> Response:
    """Return a reply to the element. The shop's own JSON provider isn't used, since it may rename
    keys, or refuse some.
    """
    return Response(json.dumps(reply), status, mimetype="application/json")


@dataclass(frozen=True, slots=True)
class FormReply:
    """The form for a product's variants, with the values and errors of its fields."""

    form: SignUpForm
    product: Product
    choose: bool
    """Whether the shopper has to choose a variant: none is preselected."""

    def context(self, alert: str = "") -> dict[str, Any]:
        """Return the context of the form's template."""
        settings, options = current_settings(), self.form.options
        variant, variants = self.product.variant, self.product.alertable_variants
        # once the list has been shown, keep showing it, even if this is the only variant left
        ids = [listed_variant.composite_id for listed_variant in variants]
        only_this = ids == [variant.composite_id]
        listed = bool(variants) and (self.choose or "listed" in request.args or not only_this)
        query: dict[str, Any] = {"choose": 1} if self.choose else {"listed": 1} if listed else {}

        body = settings.modal.body_content
        default_body = Modal.model_fields["body_content"].default
        if body == gettext(default_body) and options.channels != (Channel.EMAIL,):
            # the default text asks for an email address
            body = gettext(
                "Tell us how to reach you and we’ll let you know when it’s back in stock."
            )

        # without a private key, only the browser can send the sign-up
        can_send = from_element() or current_state().circuit_breaker is not None

        def fill(text: str) -> str:
            return fill_placeholders(text, variant, with_variant_name=not self.choose)

        footer = sanitized_footer(
            settings.modal.footer_content, variant, with_variant_name=not self.choose
        )

        return {
            "form": self.form,
            "typed": {name: self.form[name].data or "" for name in ("email", "phone_number")},
            "example": example(options.default_region),
            "variant": variant,
            "listed_variants": variants if listed else (),
            "choose": self.choose,
            "action": form_url("notify_me.submit", variant.composite_id, **query),
            "headline": fill(settings.modal.headline),
            "body_content": fill(body),
            "footer_content": footer or privacy_link(settings.consent),
            "modal": settings.modal,
            "submit_label": settings.modal.button_label or settings.button.label,
            "alert": alert,
            "needs_script": "" if can_send else gettext(NEEDS_SCRIPT),
            "honeypot": HONEYPOT,
        }

    def editable(self) -> Response:
        """Return the form to fill in or change, with status 200."""
        return _respond("form", FORM, HTTPStatus.OK, self.context())

    def invalid(self, message: str = "") -> Response:
        """Return the form with status 422, with errors next to its fields or a message above it."""
        context = self.context(gettext(message) if message else "")
        return _respond("invalid", FORM, HTTPStatus.UNPROCESSABLE_ENTITY, context)

    def failed(self, message: str) -> Response:
        """Return the form as submitted, with status 503 and a message above it."""
        context = self.context(gettext(message))
        response = _respond("failed", FORM, HTTPStatus.SERVICE_UNAVAILABLE, context)
        response.retry_after = RETRY_AFTER
        return response

    def rate_limited(self, error: RateLimited) -> Response:
        """Return the form as submitted, with status 429, when a rate limit is exceeded."""
        context = self.context(gettext(error.message))
        response = _respond("failed", FORM, HTTPStatus.TOO_MANY_REQUESTS, context)
        response.headers["Retry-After"] = str(error.retry_after)
        return response


def alerts_unavailable(variants: Sequence[Variant], *, status: int) -> Response:
    """Return the reply when no alert is offered for any of these variants. If one of them can be
    bought, the reply is a link to it, with `status`; otherwise, an explanation, with 404.
    """
    can_buy = current_settings().trigger.can_buy
    for variant in variants:
        if can_buy(variant):
            # a variant that can be bought when it is out of stock isn't back in stock
            back = variant.quantity is None or variant.quantity > 0
            context = {"variant": variant, "back": back}
            return _respond("available", "notify_me/_available.html", status, context)
    context = {"variant": variants[0]}
    return _respond("failed", "notify_me/_unavailable.html", HTTPStatus.NOT_FOUND, context)


def failed(message: str, status: int, submitted: Sequence[tuple[str, str]] = ()) -> Response:
    """Return an error for a sign-up whose form can't be shown again, as a page, a fragment or
    JSON. It has a button that sends the `submitted` fields again, if there are any.
    """
    composite_id = (request.view_args or {})["composite_id"]
    choose = 1 if "choose" in request.args else None
    query = {name: 1 for name in ("choose", "listed") if name in request.args}
    context = {
        "alert": gettext(message),
        "form_url": form_url("notify_me.show", composite_id, choose=choose),
        "submitted": submitted,
        "action": form_url("notify_me.submit", composite_id, **query),
    }
    response = _respond("failed", "notify_me/_failed.html", status, context)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.retry_after = RETRY_AFTER
    return response


def unknown_variant() -> Response:
    """Return the reply to `<notify-me>`, with 404, if the shop doesn't have this variant. For other
    requests, raise `NotFound`, so that the shop's own error page is shown.
    """
    if not from_element():
        raise NotFound
    return failed(N_("This product is no longer available."), HTTPStatus.NOT_FOUND)


def redirect_to_confirmation(variant: Variant, signed: str) -> Response:
    """Redirect after a plain form's POST (303), so that a reload doesn't resubmit the form."""
    choose = request.args.get("choose")
    url = form_url("notify_me.show", variant.composite_id, done=signed, choose=choose)
    return make_response(redirect(url, HTTPStatus.SEE_OTHER))


def calls_to_make(
    logged: LoggedSignUp,
    product: Product,
    sign_up: SignUp,
    calls: Sequence[Mapping[str, Any]],
    signed: str,
) -> Response:
    """Return the JSON for client mode: the calls that the browser has to make, the confirmation to
    show once Klaviyo has accepted all of them, and the signed ID of the sign-up.
    """
    reply = done(logged, product, sign_up).json or {}
    return _json({**reply, "state": "send", "calls": calls, "sign_up": signed}, HTTPStatus.OK)


def done(
    logged: LoggedSignUp,
    product: Product,
    sign_up: SignUp | None = None,
    *,
    simulated: bool = False,
) -> Response:
    """Return the confirmation. Pass `sign_up` only if the reply goes to the person who has just
    submitted it, since the contacts are then shown in full.
    """
    context = confirmation(logged, product, sign_up, simulated=simulated)
    return _respond("done", DONE, HTTPStatus.OK, context)
