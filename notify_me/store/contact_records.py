"""Everything stored about one contact: to show it, and to erase it, as the GDPR demands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session, selectinload

from ..klaviyo.calls import Operation
from .sign_up_log import SignUpLog
from .tables import UNDELIVERED, UNKNOWN, CallRow, CallState, ConsentRow, SignUpRow, in_utc


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


@dataclass(frozen=True, slots=True)
class ErasedRecords:
    """How many rows were deleted, and how many consents weren't."""

    sign_ups: int
    consents: int
    kept_consents: int


NOT_RECEIVED = (CallState.QUEUED, CallState.REFUSED, CallState.FAILED, CallState.DEAD_LETTERED)
"""The states of consents that Klaviyo never received, so that they prove nothing."""


def contact_records(log: SignUpLog, contact: str) -> ContactRecords:
    """Return everything stored about a normalized email address or phone number."""
    hashes = log.contact_hashes(contact)
    with log.reading() as session:
        sign_ups = session.scalars(
            select(SignUpRow)
            .where(_has_contact(hashes))
            .order_by(SignUpRow.created_at)
            .options(selectinload(SignUpRow.calls))
        ).all()
        consents = session.scalars(
            select(ConsentRow).where(ConsentRow.contact_hmac.in_(hashes)).order_by(ConsentRow.id)
        ).all()
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


def sign_up_ids(log: SignUpLog, contact: str) -> Sequence[str]:
    """Return the IDs of the sign-ups of a normalized email address or phone number."""
    with log.reading() as session:
        return _sign_up_ids(session, log.contact_hashes(contact))


def erase(log: SignUpLog, contact: str, *, with_consents: bool) -> ErasedRecords:
    """Delete the sign-ups of a normalized email address or phone number, with all their calls. A
    sign-up by email and phone is deleted with both contacts, whichever of them is given.

    Consents that Klaviyo never received are deleted too, and the others only `with_consents`. The
    caller must remove the sign-ups' jobs from the queue.
    """
    hashes = log.contact_hashes(contact)
    with log.writing() as session:
        ids = _sign_up_ids(session, hashes)
        of_contact = or_(ConsentRow.contact_hmac.in_(hashes), ConsentRow.sign_up_id.in_(ids))
        deletable = (
            of_contact if with_consents else and_(of_contact, ConsentRow.state.in_(NOT_RECEIVED))
        )
        consents = session.execute(delete(ConsentRow).where(deletable).returning(ConsentRow.id))
        deleted = len(consents.all())
        kept = session.scalar(select(func.count()).select_from(ConsentRow).where(of_contact)) or 0
        # on SQLite, foreign keys are enforced only if the shop has turned that on
        session.execute(
            update(ConsentRow).where(ConsentRow.sign_up_id.in_(ids)).values(sign_up_id=None)
        )
        session.execute(delete(CallRow).where(CallRow.sign_up_id.in_(ids)))
        session.execute(delete(SignUpRow).where(SignUpRow.id.in_(ids)))
        return ErasedRecords(len(ids), deleted, kept)


def latest_sign_ups(log: SignUpLog, contact: str, variants: Collection[str]) -> dict[str, datetime]:
    """Return when a normalized contact last signed up for each of these variants. Sign-ups that
    failed don't count, since no alert follows.
    """
    hashes = log.contact_hashes(contact)
    with log.reading() as session:
        rows = session.execute(
            select(CallRow.variant, func.max(SignUpRow.created_at))
            .join(SignUpRow)
            .where(_has_contact(hashes))
            .where(CallRow.operation == Operation.BACK_IN_STOCK)
            .where(CallRow.state.in_((CallState.ACCEPTED, *UNDELIVERED)))
            .where(CallRow.variant.in_(variants))
            .group_by(CallRow.variant)
        )
        return {variant: in_utc(time) for variant, time in rows if variant}


def _sign_up_ids(session: Session, hashes: Sequence[str]) -> Sequence[str]:
    return session.scalars(select(SignUpRow.id).where(_has_contact(hashes))).all()


def _has_contact(hashes: Sequence[str]) -> ColumnElement[bool]:
    return or_(SignUpRow.email_hmac.in_(hashes), SignUpRow.phone_hmac.in_(hashes))


def _reported_state(state: str) -> str:
    return UNKNOWN if state == CallState.STARTED else state
