"""Previews for a Studio: the form in any state, of which nothing is counted, logged or sent."""

from __future__ import annotations

from typing import Any, Literal, get_args

from flask import g, has_request_context, render_template, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from ..context import current_form_options, is_recognized_visitor
from ..form.phone import example
from ..form.sign_up_form import SignUpForm
from ..klaviyo.calls import SignUp, build_calls
from ..klaviyo.outcomes import Accepted, KlaviyoResponse
from ..store.logged import LoggedSignUp
from ..variants import Variant
from . import responses
from .product import Product

PreviewState = Literal["button", "form", "errors", "done"]
STATES: tuple[PreviewState, ...] = get_args(PreviewState)
"""The states that a preview shows, in the order in which a shopper meets them."""
MARK = "preview"
"""The argument of a form's address that says that it is only tried."""


def preview(state: PreviewState) -> None:
    """Let what this request renders be a preview: `notify_me(variant)` shows the form in `state`,
    open, and its links and forms lead to more of the preview.
    """
    g.notify_me_preview = state


def previewing() -> bool:
    """Whether this request only shows how things would be.

    An address with the mark counts for a visitor alone whom the shop knows: a shopper who follows
    such a link signs up in earnest.
    """
    if not has_request_context():
        return False
    if "notify_me_preview" in g:
        return True
    return request.blueprint == "notify_me" and MARK in request.args and is_recognized_visitor()


def mark(endpoint: str, values: dict[str, Any]) -> None:
    """Mark the addresses of forms that a preview links to."""
    if endpoint in ("notify_me.show", "notify_me.submit") and previewing():
        values.setdefault(MARK, 1)


def state() -> PreviewState | None:
    """The state that this request previews; None also for the button alone."""
    found: PreviewState | None = g.get("notify_me_preview") if has_request_context() else None
    return None if found == "button" else found


_PREFIX = "notify-me-preview"


def simulated_success(sign_up: SignUp) -> LoggedSignUp:
    """A sign-up as it reads once Klaviyo has taken all of it; nothing is sent."""
    made = build_calls(sign_up, "api")
    return LoggedSignUp.from_outcomes(sign_up, made, [Accepted(KlaviyoResponse(202))] * len(made))


def dialog(state: PreviewState, product: Product) -> Markup:
    """The form's dialog in a state, open."""
    context = in_state(state, product)
    page = render_template("notify_me/preview.html", heading="h2", prefix=_PREFIX, **context)
    return Markup(page)  # noqa: S704 - Jinja's own output


def in_state(state: PreviewState | None, product: Product) -> dict[str, Any]:
    """What the templates need for the form of a product in a state, the template among it."""
    typed = _typed(state, product.variant)
    data = {"variants": [str(product.variant.composite_id)]}
    form = SignUpForm(
        typed, offered_variants=product.variants, options=current_form_options(), data=data
    )
    if typed is not None and form.validate() and state == "done":
        logged = simulated_success(form.to_sign_up())
        return responses.done_context(logged, product, simulated=True)
    context = responses.FormReply(form, product, choose=False).context()
    # the focus is the page's that shows the preview
    return {**context, "view": responses.FORM, "focus": False}


def _typed(state: PreviewState | None, variant: Variant) -> MultiDict[str, str] | None:
    """What a shopper would have sent: with every channel, so that all it asks for is seen."""
    if state not in ("errors", "done"):
        return None
    form_options = current_form_options()
    typed: MultiDict[str, str] = MultiDict({"variants": str(variant.composite_id)})
    typed.setlist("channels", [*form_options.channels])
    if state == "done":
        typed["email"] = "ada@lovelace.dev"
        typed["phone_number"] = example(form_options.default_region)
        for ask in form_options.prompts:
            typed.add(ask.field, ask.channel)
    return typed
