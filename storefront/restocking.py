"""Set a variant's stock, and let Klaviyo know: by the merchant's page, a command, or an order."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import current_app, has_request_context, request
from sqlalchemy.exc import SQLAlchemyError

from notify_me import SettingsError, admin

from . import catalog
from .database import db
from .models import ProductVariant

logger = logging.getLogger(__name__)

WORDS = {
    "told": "Klaviyo knows.",
    "kept": "Klaviyo can’t be reached just now: it is told later, by itself.",
    "held": "Klaviyo refuses the shop’s key or settings. It is told as soon as that is mended; "
    "Deliveries and the log say how.",
    "refused": "Klaviyo won’t have it: the log says why.",
    "elsewhere": "Klaviyo gets the stock from your own platform, not from here.",
    "no_key": "Klaviyo isn’t told: that takes a private key.",
    "lost": "Klaviyo couldn’t be told, and the queue doesn’t answer: set it again in a moment.",
}
"""What became of it, by `admin.StockTold.state`; `lost`: it could neither be told nor kept."""


def set_stock(variant: ProductVariant, quantity: int | None) -> admin.StockTold | None:
    """Put so many pieces on the shelf, or None for not managed, and tell Klaviyo.

    What Klaviyo made of it; None where neither reached it nor could be kept.
    """
    variant.quantity = quantity
    db.session.commit()
    composite_id = catalog.kit_variant(catalog.variants([variant.sku])[variant.sku]).composite_id
    try:
        return admin.stock_changed(composite_id, root())
    except SQLAlchemyError as error:
        logger.error("a changed stock can't be kept: %s", type(error).__name__)
        return None


def state(told: admin.StockTold | None) -> str:
    """The outcome as a key of `WORDS`."""
    return told.state if told else "lost"


def taken(skus: Iterable[str]) -> None:
    """An order has taken pieces off the shelf: Klaviyo is told by the worker, never by a shopper's
    wait. What can't be kept is logged: the next change tells all the same.
    """
    found = [catalog.kit_variant(each) for each in catalog.variants([*skus]).values()]
    managed = [each.composite_id for each in found if each.quantity is not None]
    try:
        admin.stock_will_be_told(managed, root())
    except SQLAlchemyError as error:
        logger.error("the stock after an order can't be kept: %s", type(error).__name__)


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
