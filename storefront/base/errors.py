"""Error pages in the shop's look. They read no database: it may be what failed."""

from __future__ import annotations

from flask import Flask, render_template
from flask_babel import lazy_gettext as N_
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

WORDS = {
    403: (N_("Not from here"), N_("This was sent from another site, so we left it alone.")),
    404: (
        N_("Lost in the haar"),
        N_("There is no page at this address. It may have moved, or the fog has it."),
    ),
    405: (N_("Wrong door"), N_("This address doesn't take that kind of request.")),
    413: (N_("Too much at once"), N_("What was sent is larger than this page takes.")),
    429: (
        N_("A moment, please"),
        N_("That were many requests in a short time. Please wait a little."),
    ),
    500: (N_("The roof leaks"), N_("Something broke on our side. Please try again in a moment.")),
    503: (N_("Closed for weather"), N_("We can't answer just now. Please try again in a moment.")),
}
OTHER = (N_("That didn't work"), N_("The request could not be answered."))


def init_app(app: Flask) -> None:
    """Answer every HTTP error of `app` with a page."""
    app.register_error_handler(HTTPException, page)


def page(error: HTTPException) -> HTTPException | Response:
    """The page for `error`; its own status and headers, such as `Allow`, stay."""
    if error.code is None or error.response is not None:
        return error
    title, text = WORDS.get(error.code, OTHER)
    response = error.get_response()
    response.set_data(render_template("shop/error.html", code=error.code, title=title, text=text))
    response.content_type = "text/html; charset=utf-8"
    response.cache_control.no_cache = True
    return response
