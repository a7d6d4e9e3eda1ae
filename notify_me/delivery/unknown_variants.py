"""What the operator reads about variants that aren't in Klaviyo's catalog."""

from __future__ import annotations

import logging

from ..klaviyo.outcomes import Outcome
from ..variants import CompositeID, writable

logger = logging.getLogger(__package__)


def remedy(variant: str) -> str:
    """Return what to do about a variant (a composite ID) that Klaviyo doesn't have."""
    if writable(CompositeID.parse(variant)):
        return (
            "The kit creates it there if SHOP_URL is set. To add the rest of the catalog, run "
            "flask notify-me push-catalog"
        )
    return (
        "Make sure in Klaviyo, Content > Products, that the integration has synced it, and that "
        "the ID is the platform's own variant ID. Then run flask notify-me resume"
    )


def log_error(variant: str, outcome: Outcome, hours: float) -> None:
    """Log the first sign-up for a variant that Klaviyo doesn't have, and what to do."""
    logger.error(
        "%s: %s. Sign-ups for it are queued, and tried again for %g hours. %s",
        variant,
        outcome.remedy,
        hours,
        remedy(variant),
    )
