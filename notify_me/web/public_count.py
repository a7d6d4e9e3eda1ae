"""How many people asked for a variant, as far as a stranger may know.

Somebody who signs another person up must not learn from the number whether that person was on the
list before. So it counts what was asked before today alone, and is rounded down, from a place that
differs from number to number and that nobody outside knows: a number that stays the same says
nothing, and one that changes may be another shopper's doing. It is never more than the truth.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import UTC, datetime, timedelta

from babel.numbers import format_decimal
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..context import State, current_settings, current_state
from ..i18n.locales import current_locale
from ..store.demand import midnight, person
from ..store.tables import CallRow, CallState, SignUpRow

logger = logging.getLogger(__name__)

ACCEPTED = (CallState.ACCEPTED, CallState.QUEUED)
"""Requests in these states count."""


def words(variant: str) -> str:
    """The sentence about a variant (a composite ID); empty when there is none to show.

    A database that doesn't answer takes the sentence away, not the page.
    """
    settings = current_settings().demand
    if not settings.public_count:
        return ""
    state = current_state()
    try:
        people = _people(state, variant, settings.public_count_days)
    except SQLAlchemyError as error:
        logger.warning("no public count: the database doesn't answer (%s)", type(error).__name__)
        return ""
    shown = rounded(people, variant, state.account.log_key.get_secret_value())
    if shown < settings.public_count_floor:
        return ""
    text = settings.public_count_text.replace(
        "{count}", format_decimal(shown, locale=current_locale())
    )
    return text.replace("{days}", str(settings.public_count_days))


def rounded(people: int, variant: str, key: str) -> int:
    """`people` down to a 5 below 50 and to a 10 above, once or twice, as the secret `key` says."""
    step = 5 if people < 50 else 10
    digest = hmac.new(key.encode(), f"count {people} {variant}".encode(), hashlib.sha256).digest()
    return max(0, (people - digest[0] % step) // step * step)


def _people(state: State, variant: str, days: int) -> int:
    today = datetime.now(UTC).date()
    asked = (
        select(func.count(person().distinct()))
        .select_from(CallRow)
        .join(SignUpRow, SignUpRow.id == CallRow.sign_up_id)
        .where(CallRow.variant == variant, CallRow.state.in_(ACCEPTED))
        .where(SignUpRow.created_at >= midnight(today - timedelta(days=days)))
        .where(SignUpRow.created_at < midnight(today))
    )
    with Session(state.database.engine()) as session:
        return session.scalar(asked) or 0
