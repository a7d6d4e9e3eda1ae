"""Error pages in the shop's look. They read no database: it may be what failed."""

from __future__ import annotations

from flask import Flask, render_template
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

WORDS = {
    403: ("Not from here", "This was sent from another site, so we left it alone."),
    404: (
        "Lost in the haar",
        "There is no page at this address. It may have moved, or the fog has it.",
    ),
    405: ("Wrong door", "This address doesn't take that kind of request."),
    413: ("Too much at once", "What was sent is larger than this page takes."),
    429: ("A moment, please", "That were many requests in a short time. Please wait a little."),
    500: ("The roof leaks", "Something broke on our side. Please try again in a moment."),
    503: ("Closed for weather", "We can't answer just now. Please try again in a moment."),
}
OTHER = ("That didn't work", "The request could not be answered.")


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
