"""Whether a request is a preview: then nothing is counted, logged or sent."""

from __future__ import annotations

from typing import Any, Literal, get_args

from flask import g, has_request_context, request

from ..context import is_known_visitor

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
    return request.blueprint == "notify_me" and MARK in request.args and is_known_visitor()


def mark(endpoint: str, values: dict[str, Any]) -> None:
    """Mark the addresses of forms that a preview links to."""
    if endpoint in ("notify_me.show", "notify_me.submit") and previewing():
        values.setdefault(MARK, 1)


def state() -> PreviewState | None:
    """The state that this request previews; None also for the button alone."""
    found: PreviewState | None = g.get("notify_me_preview") if has_request_context() else None
    return None if found == "button" else found
