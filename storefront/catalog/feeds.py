"""`/feeds/catalog.json`: the shop's variants as a custom catalog feed for Klaviyo, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from flask import Blueprint, Response, stream_with_context

from notify_me import admin

from . import queries
from .restocking import shop_url

blueprint = Blueprint("feeds", __name__)

MAX_AGE = 300
"""Seconds a cache may serve a copy; Klaviyo itself reads the feed every six hours."""


@blueprint.get("/feeds/catalog.json")
def catalog_feed() -> Response:
    """A JSON list with one item for each variant."""
    chunks = _chunks(shop_url())
    # a failing database raises here, before the response has started
    first = next(chunks)
    response = Response(stream_with_context(chain([first], chunks)), mimetype="application/json")
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE
    return response


def _chunks(url: str) -> Iterator[str]:
    """Yield the JSON list product by product."""
    prefix = "["
    for variants in queries.all_products(batch=50):
        items = (json.dumps(admin.feed_item(v, url), ensure_ascii=False) for v in variants)
        yield prefix + ",\n".join(items)
        prefix = ",\n"
    yield "[]\n" if prefix == "[" else "]\n"
