"""For a shop's merchant pages and the commands: what was asked for, what waits, what failed, and
to try it again.

Every function works within an app context, and raises `sqlalchemy.exc.SQLAlchemyError` when the
database can't be used.
"""

from ..klaviyo.catalog_payloads import feed_item
from ..klaviyo.catalog_push import PushError, PushResult
from ..store.demand import DayDemand, Demand, Figures, Reason, VariantDemand
from .operations import (
    Failure,
    PausedQueue,
    Purged,
    Status,
    available_modes,
    delete_everything,
    demand,
    demand_by_day,
    mode,
    purge,
    push_catalog,
    ready,
    retry,
    status,
    upgrade,
)
from .stock import StockUpdate, queue_stock_updates, send_stock_update

__all__ = [
    "DayDemand",
    "Demand",
    "Failure",
    "Figures",
    "PausedQueue",
    "Purged",
    "PushError",
    "PushResult",
    "Reason",
    "Status",
    "StockUpdate",
    "VariantDemand",
    "available_modes",
    "delete_everything",
    "demand",
    "demand_by_day",
    "feed_item",
    "mode",
    "purge",
    "push_catalog",
    "queue_stock_updates",
    "ready",
    "retry",
    "send_stock_update",
    "status",
    "upgrade",
]
