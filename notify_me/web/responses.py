"""What a shopper gets to see: each state of the form as a page, a fragment or JSON."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import (
    Response,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import NotFound

from ..context import current_settings
from ..form.phone import example
from ..form.sign_up_form import SignUpForm
from ..i18n.catalogs import N_
from ..i18n.locales import url_locale
from ..i18n.text import gettext
from ..store.logged import LoggedSignUp
from ..variants import Variant
from .abuse import HONEYPOT, TOO_MANY
from .confirmation import consent_messages, delivery_message, failure_message
from .placeholders import fill_placeholders, footer
from .product import Product

FORM, DONE = "notify_me/_form.html", "notify_me/_done.html"
"""The templates of the form and of what follows it."""


def from_element() -> bool:
    """Whether `<notify-me>` asked, which wants a fragment or JSON."""
    return request.headers.get("X-Notify-Me") == "1"


def _reply(state: str, template: str, status: int, context: Mapping[str, Any]) -> Response:
    """One state, in the shape that was asked for: JSON after a POST, else HTML."""
    # two widgets on a page must not share element IDs; a page of its own has just one
    prefix = f"notify-me-{secrets.token_hex(3)}" if from_element() else "notify-me"
    shared = {
        **context,
        "state": state,
        "view": template,
        "prefix": prefix,
        "modal": current_settings().modal,
    }
    if not from_element():
        layout = current_app.jinja_env.select_template(["base.html", "notify_me/base.html"])
        if "main" not in layout.blocks:
            raise RuntimeError(
                "templates/base.html has no block 'main', in which the notify-me form would stand: "
                "add one, or write a templates/notify_me/page.html of your own"
            )
        page = render_template("notify_me/page.html", heading="h1", layout=layout, **shared)
        return make_response(page, status)
    if request.method == "POST":
        html = render_template(template, heading="h2", **shared)
        return make_response(jsonify(state=state, html=html, calls=[], sign_up=None), status)
    return make_response(render_template("notify_me/dialog.html", heading="h2", **shared), status)


@dataclass(frozen=True, slots=True)
class FormReply:
    """The form for a product's variants, with whatever was typed and whatever went wrong."""

    form: SignUpForm
    product: Product
    choose: bool
    """Whether no variant is meant until the shopper chooses one."""

    def context(self, alert: str = "") -> dict[str, Any]:
        """What the form's template needs."""
        settings = current_settings()
        variant, alertable_variants = self.product.variant, self.product.alertable_variants
        named = not self.choose
        # one that was listed stays listed, or a choice would turn into the address's own variant
        own = [each.composite_id for each in alertable_variants] == [variant.composite_id]
        listed = bool(alertable_variants) and (self.choose or "listed" in request.args or not own)
        marks: dict[str, Any] = {"choose": 1} if self.choose else {"listed": 1} if listed else {}
        return {
            "form": self.form,
            "typed": {name: _typed(self.form, name) for name in ("email", "phone_number")},
            "example": example(self.form.options.default_region),
            "variant": variant,
            "waiting": alertable_variants if listed else (),
            "choose": self.choose,
            "action": _address("notify_me.submit", variant.composite_id, **marks),
            "headline": fill_placeholders(settings.modal.headline, variant, named),
            "body_content": fill_placeholders(settings.modal.body_content, variant, named),
            "footer_content": footer(settings.modal.footer_content, variant, named),
            "modal": settings.modal,
            "submit_label": settings.modal.button_label or settings.button.label,
            "alert": alert,
            "honeypot": HONEYPOT,
        }

    def shown(self, state: str = "form", status: int = 200, alert: str = "") -> Response:
        """The form in the given state."""
        return _reply(state, FORM, status, self.context(alert))

    def invalid(self) -> Response:
        """422: a field is wrong, or Klaviyo refused it."""
        return self.shown("invalid", HTTPStatus.UNPROCESSABLE_ENTITY)

    def failed(self, words: str) -> Response:
        """503: it can't be taken; everything typed is still there."""
        return self.shown("failed", HTTPStatus.SERVICE_UNAVAILABLE, gettext(words))

    def too_many(self, retry_after: int) -> Response:
        """429: a limit is used up; `retry_after` in seconds. What was typed is still there."""
        reply = self.shown("failed", HTTPStatus.TOO_MANY_REQUESTS, gettext(TOO_MANY))
        reply.headers["Retry-After"] = str(retry_after)
        return reply


def _typed(form: SignUpForm, name: str) -> str:
    raw = form[name].raw_data
    return str(raw[0]) if raw else ""


def available(variant: Variant, *, status: int) -> Response:
    """The variant can be bought: a link to it instead of a form."""
    # what is sold without stock can be bought, but isn't back
    back = variant.quantity is None or variant.quantity > 0
    context = {"variant": variant, "back": back}
    return _reply("available", "notify_me/_available.html", status, context)


def alerts_unavailable(variant: Variant) -> Response:
    """404 for a variant that can't be bought, and for which the shop sends no notices."""
    return _reply("failed", "notify_me/_unwatched.html", HTTPStatus.NOT_FOUND, {"variant": variant})


def failed(words: str, status: int) -> Response:
    """It wasn't taken, and there is no form to show it in."""
    context = {"alert": gettext(words), "again": _form_url()}
    return _reply("failed", "notify_me/_failed.html", status, context)


def _form_url() -> str:
    """The address of the form that this request was for."""
    composite_id = (request.view_args or {})["composite_id"]
    choose = 1 if "choose" in request.args else None
    return _address("notify_me.show", composite_id, choose=choose)


def _address(endpoint: str, composite_id: object, **query: Any) -> str:
    """An address of the kit's, in the language that this page's address chose."""
    return url_for(endpoint, composite_id=str(composite_id), **query, lang=url_locale())


def unknown() -> Response:
    """404 for a variant that the shop doesn't have."""
    if not from_element():
        raise NotFound
    return failed(N_("The shop doesn't have this product any more."), HTTPStatus.NOT_FOUND)


def done_link(variant: Variant, signed: str) -> Response:
    """After a plain form's POST: 303 to the done page, which a reload doesn't send again."""
    target = _address("notify_me.show", variant.composite_id, done=signed)
    return make_response(redirect(target, HTTPStatus.SEE_OTHER))


def send(
    logged: LoggedSignUp,
    product: Product,
    calls: Sequence[Mapping[str, Any]],
    signed: str,
) -> Response:
    """Client mode: the calls, the view to show once all are accepted, and the sign-up's ID."""
    reply = done(logged, product)
    return make_response(
        jsonify(state="send", html=(reply.json or {})["html"], calls=calls, sign_up=signed)
    )


def done(logged: LoggedSignUp, product: Product, *, simulated: bool = False) -> Response:
    """The confirmation: what was taken, and what was not and why."""
    context = done_context(logged, product, simulated=simulated)
    return _reply("done", DONE, HTTPStatus.OK, context)


def done_context(logged: LoggedSignUp, product: Product, *, simulated: bool) -> dict[str, Any]:
    """What the done view's template needs, the template among it.

    Raises `NotFound` when nothing of the sign-up was for these variants.
    """
    by_id = {str(variant.composite_id): variant for variant in product.variants}
    taken: list[Variant] = []
    missed: list[Variant] = []
    reasons: list[str] = []
    for call in logged.calls:
        if call.variant and (variant := by_id.get(call.variant)):
            if call.failed:
                missed.append(variant)
                reasons.append(failure_message(variant, call.message))
            else:
                taken.append(variant)
    if not taken and not missed:
        # a link to another product's sign-up, or to variants that are gone
        raise NotFound
    first = (taken or missed)[0]
    return {
        "view": DONE,
        "modal": current_settings().modal,
        "missed": reasons,
        "variant": first,
        "success_label": fill_placeholders(
            current_settings().modal.subscription_success_label,
            first,
            len(taken) + len(missed) == 1,
        ),
        "news": delivery_message(logged, taken),
        **consent_messages(logged, simulated=simulated),
    }
