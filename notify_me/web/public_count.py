"""The public count: how many people signed up for a variant, on its product page.

The number must not disclose whether a particular person is on the list. Today's sign-ups are
therefore left out, and the number is rounded down to a multiple of 5 or 10. A secret key decides
whether that is the nearest one or the one below.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import UTC, datetime, timedelta

from babel.numbers import format_decimal
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..context import current_state
from ..i18n.locales import language
from ..settings.tables.demand import Demand
from ..store.tables import (
    PERSON,
    CallRow,
    CallState,
    SignUpRow,
    midnight,
    select_calls,
)

logger = logging.getLogger(__name__)


def public_count(variant: str, settings: Demand) -> str:
    """Return the sentence that says how many people signed up for a variant (a composite ID); empty
    if none is shown.
    """
    if not settings.public_count:
        return ""
    state = current_state()
    today = datetime.now(UTC).date()
    query = (
        select_calls(func.count(PERSON.distinct()))
        .where(CallRow.variant == variant)
        .where(CallRow.state.in_((CallState.ACCEPTED, CallState.QUEUED)))
        .where(SignUpRow.created_at >= midnight(today - timedelta(days=settings.public_count_days)))
        .where(SignUpRow.created_at < midnight(today))
    )
    try:
        with Session(state.database.engine()) as session:
            people = session.scalar(query) or 0
    except SQLAlchemyError as error:
        logger.warning("can't read the public count: %s", type(error).__name__)
        return ""
    count = rounded_down(people, variant, state.account.log_key.get_secret_value())
    if count < settings.public_count_floor:
        return ""
    number = format_decimal(count, locale=language().locale)
    text = settings.public_count_text.replace("{count}", number)
    return text.replace("{days}", str(settings.public_count_days))


def rounded_down(people: int, variant: str, key: str) -> int:
    """Round a number of people down to a multiple of 5, or of 10 for 50 and above.

    `key` determines, for each number and variant, whether the result is that multiple or the one
    below it.
    """
    step = 5 if people < 50 else 10
    digest = hmac.new(key.encode(), f"count {people} {variant}".encode(), hashlib.sha256).digest()
    return max(0, (people - digest[0] % step) // step * step)
