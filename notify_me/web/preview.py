"""Previews for a Studio. They show the form in any state; nothing is counted, logged or sent."""

from __future__ import annotations

from typing import Any, Literal, get_args

from flask import g, has_request_context, render_template, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from ..context import current_form_options, current_settings, is_recognized_visitor
from ..form.phone import example
from ..form.sign_up_form import SignUpForm
from ..klaviyo.calls import SignUp, build_calls
from ..klaviyo.outcomes import Accepted, KlaviyoResponse
from ..store.logged import LoggedSignUp
from . import responses
from .confirmation import confirmation
from .product import Product
from .templates import kit_template

PreviewState = Literal["button", "form", "errors", "done"]
STATES: tuple[PreviewState, ...] = get_args(PreviewState)
"""The states that a preview can show, in the order in which a shopper sees them."""
PARAMETER = "preview"
"""The query parameter that marks the form of a preview."""


def preview(state: PreviewState) -> None:
    """Make this request a preview: `notify_me(variant)` shows the button and, unless `state` is
    `button`, the open form in that state. Submitting the form is only simulated.
    """
    g.notify_me_preview = state


def previewing() -> bool:
    """Return whether this request is part of a preview.

    The query parameter counts only for a visitor whom the shop recognizes: if a shopper follows
    such a link, the sign-up is real.
    """
    if not has_request_context():
        return False
    if "notify_me_preview" in g:
        return True
    return (
        request.blueprint == "notify_me" and PARAMETER in request.args and is_recognized_visitor()
    )


def mark_urls(endpoint: str, values: dict[str, Any]) -> None:
    """Add the query parameter to the form URLs of a preview."""
    if endpoint in ("notify_me.show", "notify_me.submit") and previewing():
        values.setdefault(PARAMETER, 1)


def simulated_success(sign_up: SignUp) -> LoggedSignUp:
    """Return the sign-up as it is logged when Klaviyo accepts all its calls."""
    calls = build_calls(sign_up, "api")
    return LoggedSignUp.from_outcomes(sign_up, calls, [Accepted(KlaviyoResponse(202))] * len(calls))


def shows_dialog() -> bool:
    """Return whether this request previews a state of the form in an open dialog."""
    return bool(g.get("notify_me_preview", "button") != "button")


def open_dialog(product: Product) -> Markup:
    """Return the open dialog with the form in the previewed state."""
    context = {**form_context(product), "heading": "h2", "prefix": "notify-me-preview"}
    html = render_template(kit_template("preview.html"), **context)
    return Markup(html)  # noqa: S704 - Jinja's own output


def form_context(product: Product) -> dict[str, Any]:
    """Return the template context of a form on a product page, blank or in the previewed state."""
    state, options = g.get("notify_me_preview"), current_form_options()
    data: dict[str, Any] = {
        "variants": [str(product.variant.composite_id)],
        "channels": options.preselected_channels,
    }
    typed: MultiDict[str, str] | None = None
    if state in ("errors", "done"):
        # with every channel, so that everything the form asks for is shown
        typed = MultiDict(data | {"channels": list(options.channels)})
    if typed and state == "done":
        typed["email"] = "isla@example.com"
        typed["phone_number"] = example(options.default_region)
        for prompt in options.prompts:
            typed.add(prompt.field, prompt.channel)
    form = SignUpForm(typed, offered_variants=product.variants, options=options, data=data)
    if typed and form.validate() and state == "done":
        sign_up = form.to_sign_up()
        logged = simulated_success(sign_up)
        context = confirmation(logged, product, sign_up, simulated=True)
        shown = {"state": "done", "view": responses.DONE, "modal": current_settings().modal}
        return {**context, **shown}
    context = responses.FormReply(form, product, choose=False).context()
    # a form that is part of the page from the start must not take focus
    shown = {"state": "invalid" if typed else "form", "view": responses.FORM, "focus": False}
    return {**context, **shown}
