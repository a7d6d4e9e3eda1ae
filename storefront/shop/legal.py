"""The shop's terms and privacy policy, which a text of consent links to."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from .views import cached

blueprint = Blueprint("legal", __name__)


@blueprint.get("/terms")
def terms() -> Response:
    """The terms of service. A fork writes its own."""
    return cached(render_template("shop/terms.html"))


@blueprint.get("/privacy")
def privacy() -> Response:
    """The privacy policy: what this shop keeps, and for what. A fork writes its own."""
    return cached(render_template("shop/privacy.html"))
