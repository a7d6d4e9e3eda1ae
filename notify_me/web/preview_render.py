"""The form in a state that a preview shows, without a sign-up: see `preview`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from ..context import current_offer
from ..form.phone import example
from ..form.sign_up_form import SignUpForm
from ..klaviyo.calls import SignUp, calls
from ..klaviyo.outcomes import Accepted, Answer
from ..store.sign_up_log import LoggedSignUp
from ..variants import Variant
from . import responses
from .preview_mode import PreviewState

_PREFIX = "notify-me-preview"


def pretended(sign_up: SignUp) -> LoggedSignUp:
    """A sign-up as it reads once Klaviyo has taken all of it; nothing is sent."""
    made = calls(sign_up, "api")
    return LoggedSignUp.of(sign_up, made, [Accepted(Answer(202))] * len(made))


def dialog(
    state: PreviewState,
    variant: Variant,
    siblings: Sequence[Variant],
    waiting: Sequence[Variant],
) -> Markup:
    """The form's dialog in a state, open."""
    context = in_state(state, variant, siblings, waiting)
    page = render_template("notify_me/preview.html", heading="h2", prefix=_PREFIX, **context)
    return Markup(page)  # noqa: S704 - Jinja's own output


def in_state(
    state: PreviewState | None,
    variant: Variant,
    siblings: Sequence[Variant],
    waiting: Sequence[Variant],
) -> dict[str, Any]:
    """What the templates need for the form of `variant` in a state, the template among it."""
    typed = _typed(state, variant)
    data = {"variants": [str(variant.composite_id)]}
    form = SignUpForm(typed, offered=siblings, offer=current_offer(), data=data)
    if typed is not None and form.validate() and state == "done":
        return responses.done_context(pretended(form.to_sign_up()), siblings)
    context = responses.FormReply(form, variant, waiting, choose=False).context()
    # the focus is the page's that shows the preview
    return {**context, "view": responses.FORM, "focus": False}


def _typed(state: PreviewState | None, variant: Variant) -> MultiDict[str, str] | None:
    """What a shopper would have sent: with every channel, so that all it asks for is seen."""
    if state not in ("errors", "done"):
        return None
    offer = current_offer()
    typed: MultiDict[str, str] = MultiDict({"variants": str(variant.composite_id)})
    typed.setlist("channels", [*offer.channels])
    if state == "done":
        typed["email"] = "ada@lovelace.dev"
        typed["phone_number"] = example(offer.default_region)
        for ask in offer.asks:
            typed.add(ask.field, ask.channel)
    return typed
