"""Set a variant's stock, and let Klaviyo know: by the merchant's page, a command, or an order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import current_app, has_request_context, request
from sqlalchemy.orm import Session

from notify_me import SettingsError, admin

from ..base.database import db
from ..base.models import ProductVariant
from . import queries

WORDS = {
    "updated": "Klaviyo knows.",
    "queued": "Klaviyo can’t be reached just now: it is told later, by itself.",
    "paused": "Klaviyo refuses the shop’s key or settings. It is told as soon as that is mended; "
    "Deliveries and the log say how.",
    "refused": "Klaviyo won’t have it: the log says why.",
    "not_managed": "Klaviyo gets the stock from your own platform, not from here.",
    "no_key": "Klaviyo isn’t told: that takes a private key.",
}
"""What became of it, by `admin.StockUpdate.state`."""


def set_stock(variant: ProductVariant, quantity: int | None) -> admin.StockUpdate:
    """Put so many pieces on the shelf, or None for not managed, and tell Klaviyo.

    Returns what Klaviyo made of it; raises `sqlalchemy.exc.SQLAlchemyError` with nothing changed.
    """
    place, composite_id = root(), queries.composite_id(variant)
    variant.quantity = quantity
    return admin.send_stock_update(composite_id, place, within=db.session)


def leave_word(variants: Iterable[ProductVariant]) -> Callable[[Session], None]:
    """What an order of these does in its own transaction: the worker tells Klaviyo of them, never
    in a shopper's time, and no order is kept without it.
    """
    managed = [queries.composite_id(each) for each in variants if each.quantity is not None]
    place = root()
    return lambda session: admin.queue_stock_updates(managed, place, within=session)


def root() -> str:
    """The shop's address for links that leave it: `SHOP_URL`, else the one that was asked for.

    Raises `SettingsError` where neither is known, as in a command.
    """
    if given := current_app.config.get("SHOP_URL"):
        return f"{str(given).rstrip('/')}/"
    if has_request_context():
        return request.url_root
    raise SettingsError(
        "SHOP_URL is not set: put the shop's address in .env, such as SHOP_URL=https://shop.example"
    )
