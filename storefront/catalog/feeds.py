"""`/feeds/catalog.json`: the shop's variants as a custom catalog feed for Klaviyo, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from flask import Blueprint, Response, abort, request, stream_with_context, url_for

from notify_me import admin

from . import queries
from .restocking import shop_url

blueprint = Blueprint("feeds", __name__)

MAX_AGE = 300
"""Seconds a cache may serve a copy; Klaviyo itself reads the feed every six hours."""
PAGE_SIZE = 50_000
"""Variants per page. A page of this size is 25 to 50 MB. Klaviyo recommends at most 50 MB and
accepts 100 MB.
"""


@blueprint.get("/feeds/catalog.json")
def catalog_feed() -> Response:
    """Return a JSON list with an item for each variant of the shop, or of one page (`?page=1`).

    :raise 404: there is no such page.
    """
    id_range, next_page = None, None
    if "page" in request.args:
        pages = queries.divide_products(PAGE_SIZE)
        page = request.args.get("page", 0, type=int)
        if not 1 <= page <= max(1, len(pages)):
            abort(404)
        id_range = pages[page - 1] if pages else None
        next_page = page + 1 if page < len(pages) else None
    chunks = _chunks(shop_url(), id_range)
    # read now, so that a database error is raised before the response has started
    first = next(chunks)
    response = Response(stream_with_context(chain([first], chunks)), mimetype="application/json")
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE
    if next_page:
        url = url_for("feeds.catalog_feed", page=next_page, _external=True)
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response


def _chunks(url: str, id_range: tuple[int, int] | None) -> Iterator[str]:
    """Yield the JSON list product by product."""
    prefix = "["
    for variants in queries.all_products(batch=50, id_range=id_range):
        items = (json.dumps(admin.feed_item(v, url), ensure_ascii=False) for v in variants)
        yield prefix + ",\n".join(items)
        prefix = ",\n"
    yield "[]\n" if prefix == "[" else "]\n"
