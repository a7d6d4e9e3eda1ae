"""Operations for a shop's merchant pages and for commands: demand, deliveries, stock, purge.

The functions need an app context. Unless their docstrings say otherwise, they raise
`sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
"""

from ..check.report import Report, Row, Verdict
from ..klaviyo.catalog_payloads import feed_item
from ..klaviyo.catalog_push import PushError, PushResult
from .contacts import (
    Erased,
    PastSignUp,
    contact_hash,
    contact_records,
    erase,
    import_sign_ups,
    latest_sign_ups,
    past_sign_ups,
    remove_past_sign_ups,
)
from .demand import DayDemand, Demand, Figures, Reason, VariantDemand, demand, demand_by_day
from .health import health
from .operations import (
    Purged,
    available_modes,
    delete_everything,
    merchant_settings,
    mode,
    purge,
    push_catalog,
    resume,
    retry,
    upgrade,
)
from .status import (
    HONEYPOT_DAYS,
    Failure,
    MissingVariant,
    PausedQueue,
    PublicKeyProblem,
    Status,
    ready,
    status,
)
from .stock import StockUpdate, queue_stock_updates, set_stock, stock_changed
from .waiting import Waiting, people_waiting, record_restock, waiting

__all__ = [
    "HONEYPOT_DAYS",
    "DayDemand",
    "Demand",
    "Erased",
    "Failure",
    "Figures",
    "MissingVariant",
    "PastSignUp",
    "PausedQueue",
    "PublicKeyProblem",
    "Purged",
    "PushError",
    "PushResult",
    "Reason",
    "Report",
    "Row",
    "Status",
    "StockUpdate",
    "VariantDemand",
    "Verdict",
    "Waiting",
    "available_modes",
    "contact_hash",
    "contact_records",
    "delete_everything",
    "demand",
    "demand_by_day",
    "erase",
    "feed_item",
    "health",
    "import_sign_ups",
    "latest_sign_ups",
    "merchant_settings",
    "mode",
    "past_sign_ups",
    "people_waiting",
    "purge",
    "push_catalog",
    "queue_stock_updates",
    "ready",
    "record_restock",
    "remove_past_sign_ups",
    "resume",
    "retry",
    "set_stock",
    "status",
    "stock_changed",
    "upgrade",
    "waiting",
]
