"""Error pages in the shop's design. They run no query: the database may be what failed."""

from __future__ import annotations

from flask import Flask, render_template
from flask_babel import lazy_gettext as N_
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

MESSAGES = {
    403: (N_("Request blocked"), N_("This request came from another site.")),
    404: (
        N_("Page not found"),
        N_("There is no page at this address. It may have moved, or the link is wrong."),
    ),
    405: (N_("Page not available"), N_("You can’t open this page directly.")),
    413: (N_("That was too long"), N_("Please shorten it and try again.")),
    429: (N_("Too many attempts"), N_("Please try again in a minute.")),
    500: (N_("Something went wrong"), N_("That’s our fault. Please try again in a moment.")),
    503: (N_("Temporarily unavailable"), N_("Please try again in a moment.")),
}
"""Title and text by status."""
OTHER_MESSAGE = (N_("Something went wrong"), N_("We couldn’t process your request."))


def init_app(app: Flask) -> None:
    """Register the page for every HTTP error of `app`."""
    app.register_error_handler(HTTPException, error_page)


def error_page(error: HTTPException) -> HTTPException | Response:
    """Return the page for `error`, with its status and headers, such as `Allow`."""
    if error.code is None or error.response is not None:
        return error
    title, text = MESSAGES.get(error.code, OTHER_MESSAGE)
    response = error.get_response()
    response.set_data(render_template("shop/error.html", code=error.code, title=title, text=text))
    response.content_type = "text/html; charset=utf-8"
    response.cache_control.no_cache = True
    return response
