"""Changes a variant's stock, reports it to Klaviyo, and records restocks.

Orders deduct their own stock: see `buying.orders`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from flask import current_app, has_request_context, request
from sqlalchemy.exc import SQLAlchemyError

from notify_me import CompositeID, SettingsError, admin

from ..base.database import db
from ..base.models import ProductVariant
from . import queries
from .stock import is_available

logger = logging.getLogger(__name__)

STOCK_MESSAGES = {
    "updated": "Klaviyo has been updated.",
    "queued": "Klaviyo couldn’t be updated just now. The update is queued and will be sent "
    "automatically.",
    "paused": "Klaviyo is rejecting the shop’s key or settings. The update will be sent once "
    "this is fixed; see Deliveries or the log.",
    "refused": "Klaviyo rejected the update. See the log for the reason.",
    "not_managed": "Klaviyo gets stock levels from your platform, not from this shop.",
    "no_key": "Klaviyo wasn’t updated: set KLAVIYO_PRIVATE_KEY.",
}
"""The message about Klaviyo's copy of the stock for each `admin.StockUpdate.state`."""


def set_stock(variant: ProductVariant, quantity: int | None) -> admin.StockUpdate:
    """Set a variant's stock (None: not tracked) and update Klaviyo; return the update's result.

    Raises `sqlalchemy.exc.SQLAlchemyError`, with nothing changed, if the database fails.
    """
    url, composite_id = shop_url(), queries.composite_id(variant)
    variant.quantity = quantity
    available = is_available(variant)
    update = admin.stock_changed(composite_id, url, connection=db.session)
    if available:
        _record(lambda: [composite_id])
    return update


def record_restocks() -> None:
    """Record a restock of every available variant that shoppers are waiting for. Call it after the
    stock of many variants has changed at once.
    """
    _record(lambda: queries.available(admin.people_waiting()))


def _record(restocked: Callable[[], Collection[CompositeID]]) -> None:
    try:
        admin.record_restock(restocked())
    except SQLAlchemyError as error:
        # the demand report is only for the merchant, and the stock is saved
        logger.warning("could not record a restock for the demand report: %s", type(error).__name__)


def shop_url() -> str:
    """Return the shop's public URL with a trailing slash, from `SHOP_URL` or the current request.

    Raises `SettingsError` in a command if `SHOP_URL` is not set.
    """
    if url := current_app.config.get("SHOP_URL"):
        return f"{str(url).rstrip('/')}/"
    if has_request_context():
        return request.url_root
    raise SettingsError(
        "SHOP_URL is not set: put the shop's URL in .env, such as SHOP_URL=https://shop.example"
    )
