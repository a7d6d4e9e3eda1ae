"""Log lines for the operator about the outcomes of calls."""

from __future__ import annotations

import logging

from ..klaviyo.calls import Call
from ..klaviyo.outcomes import DeadLetter, Misconfigured, Outcome, Temporary, UnknownVariant
from ..variants import CompositeID, writable

logger = logging.getLogger(__package__)


def log_outcome(
    call: Call, outcome: Outcome, sign_up_id: str | None, *, from_browser: bool = False
) -> None:
    """Log one line about a call: IDs and reasons, but no contact details or text from Klaviyo.

    `from_browser` means that a browser reported the outcome. Such a report can be forged, so it is
    logged as a warning at most.
    """
    level = logging.INFO
    if isinstance(outcome, Misconfigured | DeadLetter):
        level = logging.WARNING if from_browser else logging.ERROR
    elif isinstance(outcome, Temporary) or (from_browser and isinstance(outcome, UnknownVariant)):
        level = logging.WARNING
    logger.log(
        level,
        "%s%s: %s%s%s (status %s, code %s, error %s)%s",
        "a browser reported " if from_browser else "",
        type(outcome).__name__,
        call.operation.value,
        f" for {call.variant}" if call.variant else "",
        f", sign-up {sign_up_id}" if sign_up_id else "",
        outcome.response.status or "none",
        outcome.response.code or "none",
        outcome.response.error_id or "none",
        f": {outcome.explanation}" if outcome.explanation else "",
    )


def unknown_variant_remedy(variant: str) -> str:
    """Return what to do about a variant (a composite ID) that Klaviyo doesn't have."""
    if writable(CompositeID.parse(variant)):
        return (
            "Run flask notify-me push-catalog, which adds the whole catalog to Klaviyo. If "
            "SHOP_URL was set when shoppers signed up, the kit adds this variant itself"
        )
    return (
        "In Klaviyo under Content > Products, make sure that the integration has synced the "
        "variant, and that the ID is the platform's own variant ID. Then run flask notify-me "
        "resume or, for dead-lettered sign-ups, flask notify-me retry"
    )


def log_unknown_variant(variant: str, outcome: Outcome, hours: float) -> None:
    """Log that Klaviyo doesn't have a variant, and what to do; called when it is first noticed."""
    logger.error(
        "%s: %s. Sign-ups for the variant are queued, and retried for %g hours. %s",
        variant,
        outcome.explanation,
        hours,
        unknown_variant_remedy(variant),
    )
