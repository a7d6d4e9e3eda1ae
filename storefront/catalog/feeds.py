"""`/feeds/catalog.json`: the shop's variants as Klaviyo's custom catalog feed, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from flask import Blueprint, Response, stream_with_context

from notify_me import admin

from . import queries
from .restocking import root

blueprint = Blueprint("feeds", __name__)

FRESH = 300
"""Seconds for which a copy may be taken for the shop's stock."""


@blueprint.get("/feeds/catalog.json")
def catalog_feed() -> Response:
    """Every variant as an item: Klaviyo reads it every six hours."""
    pieces = _pieces(root())
    # what the database refuses is told before a file has begun
    first = next(pieces)
    response = Response(stream_with_context(chain([first], pieces)), mimetype="application/json")
    response.cache_control.public = True
    response.cache_control.max_age = FRESH
    return response


def _pieces(address: str) -> Iterator[str]:
    """A JSON list, a product at a time."""
    before = "["
    for variants in queries.all_products(batch=50):
        items = [
            json.dumps(admin.feed_item(variant, address), ensure_ascii=False)
            for variant in variants
        ]
        yield before + ",\n".join(items)
        before = ",\n"
    yield "[]\n" if before == "[" else "]\n"
