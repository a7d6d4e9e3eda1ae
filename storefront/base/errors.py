"""Error pages in the shop's design. They work without the database, which may be what failed."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import sqlalchemy as sa
from flask import Flask, render_template, request
from flask_babel import lazy_gettext as N_
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable
from werkzeug.wrappers import Response

from .database import db

logger = logging.getLogger(__name__)

MESSAGES = {
    403: (N_("Request blocked"), N_("This request came from another site.")),
    404: (
        N_("Page not found"),
        N_("There is no page at this address. It may have moved, or the link is wrong."),
    ),
    405: (N_("Page not available"), N_("You can’t open this page directly.")),
    413: (N_("That text was too long"), N_("Please shorten it and try again.")),
    429: (N_("Too many attempts"), N_("Please try again in a minute.")),
    500: (N_("Something went wrong"), N_("That’s our fault. Please try again in a moment.")),
    503: (N_("Temporarily unavailable"), N_("Please try again in a moment.")),
}
"""The title and text of each error page, by HTTP status."""
RETRY_AFTER = 30
"""The `Retry-After` header, in seconds, if the database is unavailable."""
OTHER_MESSAGE = (N_("Something went wrong"), N_("We couldn’t process your request."))


def init_app(app: Flask) -> None:
    """Register the page for every HTTP error of `app`."""
    app.register_error_handler(HTTPException, error_page)
    app.register_error_handler(SQLAlchemyError, database_error_page)
    app.register_error_handler(DataError, invalid_value_page)


def error_page(
    error: HTTPException, submitted: Sequence[tuple[str, str]] = ()
) -> HTTPException | Response:
    """Return the page for `error`, with its status and headers, such as `Allow`. If there are
    `submitted` fields, the page has a button that resubmits them.

    An error that already has a response, such as a redirect, is returned unchanged.
    """
    if error.code is None or error.response is not None:
        return error
    title, text = MESSAGES.get(error.code, OTHER_MESSAGE)
    response = error.get_response()
    response.set_data(
        render_template(
            "shop/error.html", code=error.code, title=title, text=text, submitted=submitted
        )
    )
    response.content_type = "text/html; charset=utf-8"
    response.cache_control.no_cache = True
    return response


def database_error_page(error: SQLAlchemyError) -> HTTPException | Response:
    """Return the page with status 503 for a database error."""
    log_database_error(error)
    # the error page may use the session, which must be rolled back first
    db.session.rollback()
    return error_page(ServiceUnavailable(retry_after=RETRY_AFTER), submitted=_submitted())


def invalid_value_page(_error: DataError) -> HTTPException | Response:
    """Return the page with status 400 for a request with a value that the database can't store,
    such as a NUL character on PostgreSQL.
    """
    logger.warning("refused a request with a value that the database can't store")
    db.session.rollback()
    return error_page(BadRequest())


def _submitted() -> list[tuple[str, str]]:
    """Return the fields of a shopper's form, so that the page can offer to resubmit them."""
    if request.blueprint not in ("cart", "checkout"):
        return []
    return list(request.form.items(multi=True))


def log_database_error(error: SQLAlchemyError) -> None:
    """Log one line with the remedy, and a traceback if the cause may be the shop's own code."""
    # DatabaseError itself, rather than a subclass, means that the file isn't a database
    is_unavailable = isinstance(error, (OperationalError, InterfaceError, sa.exc.TimeoutError)) or (
        type(error) is DatabaseError
    )
    if is_unavailable:
        logger.error(
            "the database is unavailable (%s): check DATABASE_URL, and run flask db upgrade",
            type(error).__name__,
        )
    else:
        logger.error(
            "a database operation failed (%s): if tables are missing, run flask db upgrade",
            type(error).__name__,
            exc_info=error,
        )
