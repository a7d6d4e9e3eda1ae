"""`/sitemap.xml` and `/robots.txt`: what search engines are asked to read, and to leave."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, url_for

from ..catalog import queries
from ..catalog.departments import departments
from .views import cached

blueprint = Blueprint("crawlers", __name__)

PRIVATE = ("/cart", "/checkout", "/merchant", "/notify-me/", "/orders/", "/studio")


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """The shop's front, its departments and all products."""
    addresses = [
        url_for("shop.listing", _external=True),
        *(url_for("shop.listing", category=slug, _external=True) for slug in departments),
        *(url_for("shop.product", handle=one, _external=True) for one in queries.handles()),
    ]
    response = cached(render_template("shop/sitemap.xml", addresses=addresses))
    response.mimetype = "application/xml"
    return response


@blueprint.get("/robots.txt")
def robots() -> Response:
    """What has nothing for a search engine, and where the sitemap is."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in PRIVATE),
        "",
        f"Sitemap: {url_for('crawlers.sitemap', _external=True)}",
        "",
    ]
    return Response("\n".join(lines), mimetype="text/plain")
