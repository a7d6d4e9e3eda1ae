"""Everything stored about one contact, for a GDPR access request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from .tables import UNKNOWN, CallState, ConsentRow, SignUpRow, in_utc


@dataclass(frozen=True, slots=True)
class SignUpRecord:
    """One sign-up."""

    when: datetime
    channels: tuple[str, ...]
    contacts: tuple[str, ...]
    """Masked: contacts are stored only masked and hashed."""
    calls: tuple[tuple[str, str | None, str], ...]
    """The operation, the variant (None for the consent call) and the state of each call."""


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One consent to marketing."""

    when: datetime
    channel: str
    state: str
    """Whether Klaviyo received it: accepted, queued, refused, unknown, …"""
    contact: str
    text: str
    version: str
    locale: str
    list_id: str
    custom_source: str


@dataclass(frozen=True, slots=True)
class ContactRecords:
    """Everything stored about one contact, oldest first."""

    sign_ups: tuple[SignUpRecord, ...]
    consents: tuple[ConsentRecord, ...]


def find_by_contact_hash(session: Session, contact_hmac: str) -> ContactRecords:
    """Return everything stored under a contact's HMAC."""
    sign_ups = session.scalars(
        select(SignUpRow)
        .where(or_(SignUpRow.email_hmac == contact_hmac, SignUpRow.phone_hmac == contact_hmac))
        .order_by(SignUpRow.created_at)
    )
    consents = session.scalars(
        select(ConsentRow).where(ConsentRow.contact_hmac == contact_hmac).order_by(ConsentRow.id)
    )
    return ContactRecords(
        sign_ups=tuple(
            SignUpRecord(
                when=in_utc(row.created_at),
                channels=tuple(row.channels),
                contacts=tuple(filter(None, (row.email_masked, row.phone_masked))),
                calls=tuple(
                    (call.operation, call.variant, _reported_state(call.state))
                    for call in row.calls
                ),
            )
            for row in sign_ups
        ),
        consents=tuple(
            ConsentRecord(
                when=in_utc(row.given_at),
                channel=row.channel,
                state=_reported_state(row.state),
                contact=row.contact_masked,
                text=row.text,
                version=row.version,
                locale=row.locale,
                list_id=row.list_id,
                custom_source=row.custom_source,
            )
            for row in consents
        ),
    )


def _reported_state(state: str) -> str:
    return UNKNOWN if state == CallState.STARTED else state
