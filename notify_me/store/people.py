"""Queries that count people in the sign-up log, by the hashes of their contacts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from .tables import WAITING_CALLS, CallRow, SignUpRow

PERSON = func.coalesce(SignUpRow.email_hmac, SignUpRow.phone_hmac)
"""The column that identifies a person: the HMAC of the email address, or of the phone number if
there is no address.
"""


def select_calls(*columns: Any) -> Any:
    """Return a query for columns of the calls and their sign-ups."""
    return select(*columns).select_from(CallRow).join(SignUpRow, SignUpRow.id == CallRow.sign_up_id)


def is_waiting_count(engine: Engine, variant: str, people: int) -> bool:
    """Return whether exactly this many people are waiting for a variant. It stops counting when
    there are more.
    """
    persons = select_calls(PERSON.label("person")).where(*WAITING_CALLS, CallRow.variant == variant)
    limited = persons.distinct().limit(people + 1).subquery()
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(limited)) == people
