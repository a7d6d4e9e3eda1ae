"""Find or erase one person's sign-ups and consents, and import past sign-ups."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session, selectinload

from ..channels import Channel
from ..context import current_settings, current_state
from ..form.contacts import clean_email, clean_phone
from ..form.phone import e164
from ..klaviyo.calls import Operation, SignUp
from ..store.tables import (
    UNDELIVERED,
    UNKNOWN,
    CallRow,
    CallState,
    ConsentRow,
    SignUpRow,
    in_utc,
    unknown_before,
)
from ..variants import CompositeID

PAST = "past"
"""The mode of sign-ups that were added by `import_sign_ups`."""
IMPORT_BATCH = 1000
"""How many past sign-ups are added in one transaction."""
NOT_RECORDED = (CallState.QUEUED, CallState.REFUSED, CallState.FAILED, CallState.DEAD_LETTERED)
"""States of consents that Klaviyo hasn't recorded. Such consents prove nothing."""


@dataclass(frozen=True, slots=True)
class SignUpRecord:
    """One sign-up."""

    when: datetime
    channels: tuple[str, ...]
    contacts: tuple[str, ...]
    """Masked, since the log contains no contacts in plain text."""
    calls: tuple[tuple[str, str | None, str], ...]
    """The operation, the variant (None for the consent call) and the state of each call."""


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One consent to marketing."""

    when: datetime
    channel: str
    state: str
    """The state of its call: accepted, queued, refused, unknown, …"""
    contact: str
    text: str
    version: str
    locale: str
    list_id: str
    custom_source: str


@dataclass(frozen=True, slots=True)
class ContactRecords:
    """What the sign-up log holds about one contact, oldest first. Calls in the queue aren't
    included, although they contain the contact until they are deleted.
    """

    sign_ups: tuple[SignUpRecord, ...]
    consents: tuple[ConsentRecord, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """What `erase` deleted."""

    sign_ups: int
    consents: int
    kept_consents: int
    """How many consents were not deleted."""
    calls: int
    """How many queued, dead-lettered or recently delivered calls were removed from the queue."""
    shop: str
    """What the shop's own `erase_contact` reported; empty if the shop has no such function."""


@dataclass(frozen=True, slots=True)
class PastSignUp:
    """A sign-up that was made elsewhere or earlier, for `import_sign_ups`."""

    at: datetime
    """When it was made, with a time zone."""
    variants: Sequence[CompositeID]
    channels: Sequence[Channel]
    email: str = ""
    phone_number: str = ""
    alerted_at: datetime | None = None
    """When the variants came back in stock, with a time zone; None if they haven't yet."""


def contact_hash(contact: str) -> str:
    """Return the hash that the log stores for an email address or a phone number.

    A shop can use it to match orders with sign-ups. The hash changes with `NOTIFY_ME_LOG_KEY` or,
    if that isn't set, with `SECRET_KEY`. Raises `ValueError` if the contact is neither an email
    address nor a phone number.
    """
    return current_state().log.hash_contact(normalized_contact(contact))


def contact_records(contact: str) -> ContactRecords:
    """Return every sign-up and consent of a contact in the log. Raises `ValueError` like
    `contact_hash`.
    """
    hashes = current_state().log.contact_hashes(normalized_contact(contact))
    with current_state().log.reading() as session:
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
                    (call.operation, call.variant, _reported_state(call.state, row.created_at))
                    for call in row.calls
                ),
            )
            for row in sign_ups
        ),
        consents=tuple(
            ConsentRecord(
                when=in_utc(row.given_at),
                channel=row.channel,
                state=_reported_state(row.state, row.given_at),
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


def _reported_state(state: str, since: datetime) -> str:
    is_unknown = state == CallState.STARTED and in_utc(since) < unknown_before()
    return UNKNOWN if is_unknown else state


def erase(contact: str) -> Erased:
    """Delete what the shop stores about a contact: sign-ups, calls in the queue, and whatever the
    shop's `erase_contact` removes. A sign-up by email and phone is deleted with both contacts.

    Consents that Klaviyo may have recorded are kept as proof, unless `[retention] erase_consents`
    is on. Klaviyo isn't called. Raises `ValueError` like `contact_hash`.
    """
    state, contact = current_state(), normalized_contact(contact)
    hashes = state.log.contact_hashes(contact)
    with state.log.reading() as session:
        sign_up_ids = _sign_up_ids(session, hashes)
    # the queue comes first: after an interruption, the log still lists the calls that are left
    calls = state.queue.remove_for_sign_ups(sign_up_ids)
    with_consents = state.settings.retention.erase_consents
    with state.log.writing() as session:
        sign_ups, consents, kept_consents = _erase_rows(session, hashes, with_consents)
    # a worker may have queued the next attempt of a call in the meantime
    state.queue.remove_for_sign_ups(sign_up_ids)
    shop = state.erase_contact(contact) if state.erase_contact else ""
    return Erased(sign_ups, consents, kept_consents, calls, shop)


def _erase_rows(
    session: Session, hashes: Sequence[str], with_consents: bool
) -> tuple[int, int, int]:
    """Delete a contact's sign-ups and consents. Without `with_consents`, consents that Klaviyo may
    have recorded are kept. Return how many sign-ups and consents were deleted, and how many
    consents were kept.
    """
    ids = _sign_up_ids(session, hashes)
    matches_contact = or_(ConsentRow.contact_hmac.in_(hashes), ConsentRow.sign_up_id.in_(ids))
    not_recorded = and_(matches_contact, ConsentRow.state.in_(NOT_RECORDED))
    deletable = matches_contact if with_consents else not_recorded
    consents = session.execute(delete(ConsentRow).where(deletable).returning(ConsentRow.id)).all()
    kept = session.scalar(select(func.count()).select_from(ConsentRow).where(matches_contact)) or 0
    # on SQLite, foreign keys are enforced only if the shop has enabled them
    session.execute(
        update(ConsentRow).where(ConsentRow.sign_up_id.in_(ids)).values(sign_up_id=None)
    )
    session.execute(delete(CallRow).where(CallRow.sign_up_id.in_(ids)))
    session.execute(delete(SignUpRow).where(SignUpRow.id.in_(ids)))
    return len(ids), len(consents), kept


def latest_sign_ups(contact: str, variants: Iterable[CompositeID]) -> dict[CompositeID, datetime]:
    """Return when a contact last signed up for each of these variants. Variants without a sign-up
    are left out. Sign-ups that failed don't count, since no alert follows. Raises `ValueError` like
    `contact_hash`.
    """
    hashes = current_state().log.contact_hashes(normalized_contact(contact))
    with current_state().log.reading() as session:
        rows = session.execute(
            select(CallRow.variant, func.max(SignUpRow.created_at))
            .join(SignUpRow)
            .where(_has_contact(hashes))
            .where(CallRow.operation == Operation.BACK_IN_STOCK)
            .where(CallRow.state.in_((CallState.ACCEPTED, *UNDELIVERED)))
            .where(CallRow.variant.in_([*map(str, variants)]))
            .group_by(CallRow.variant)
        )
        return {CompositeID.parse(variant): in_utc(time) for variant, time in rows if variant}


def _sign_up_ids(session: Session, hashes: Sequence[str]) -> Sequence[str]:
    return session.scalars(select(SignUpRow.id).where(_has_contact(hashes))).all()


def _has_contact(hashes: Sequence[str]) -> ColumnElement[bool]:
    return or_(SignUpRow.email_hmac.in_(hashes), SignUpRow.phone_hmac.in_(hashes))


def import_sign_ups(sign_ups: Iterable[PastSignUp]) -> int:
    """Add past sign-ups to the log, marked as accepted by Klaviyo; return how many were added.

    They appear in the demand report, for a demo or after a move from another system. Nothing is
    sent and no consent is recorded. Raises `ValueError` for a sign-up without a variant, channel,
    time zone or the contact that a channel needs. Sign-ups are added in batches of 1,000; after an
    error, the batches before it remain in the log.
    """
    remaining, count = iter(sign_ups), 0
    while batch := [_past_rows(past) for past in islice(remaining, IMPORT_BATCH)]:
        with current_state().log.writing() as session:
            session.execute(insert(SignUpRow), [sign_up_row for sign_up_row, _ in batch])
            session.execute(insert(CallRow), [row for _, call_rows in batch for row in call_rows])
        count += len(batch)
    return count


def _past_rows(past: PastSignUp) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a past sign-up's row and its calls' rows."""
    sign_up = _validated(past)
    sign_up_row = {
        "id": secrets.token_urlsafe(16),
        "created_at": past.at,
        "mode": PAST,
        **current_state().log.contact_columns(sign_up),
    }
    call_rows = [
        {
            "sign_up_id": sign_up_row["id"],
            "position": position,
            "operation": Operation.BACK_IN_STOCK.value,
            "variant": str(variant),
            "state": CallState.ACCEPTED.value,
            "settled_at": past.at,
            "alerted_at": past.alerted_at,
        }
        for position, variant in enumerate(sign_up.variants)
    ]
    return sign_up_row, call_rows


def _validated(past: PastSignUp) -> SignUp:
    if past.at.tzinfo is None or (past.alerted_at and past.alerted_at.tzinfo is None):
        raise ValueError(f"the sign-up at {past.at} has no time zone")
    if not past.variants or not past.channels:
        raise ValueError(f"the sign-up at {past.at} has no variants or no channels")
    contacts = {"email": past.email, "phone_number": past.phone_number}
    for channel in past.channels:
        if not contacts[channel.info.identifier]:
            raise ValueError(f"the sign-up at {past.at} has no contact for {channel.value}")
    return SignUp(
        variants=tuple(past.variants),
        channels=tuple(past.channels),
        email=normalized_contact(past.email) if past.email else None,
        phone_number=normalized_contact(past.phone_number) if past.phone_number else None,
    )


def past_sign_ups() -> int:
    """Return how many sign-ups in the log were added by `import_sign_ups`."""
    with current_state().log.reading() as session:
        return session.scalar(select(func.count()).where(SignUpRow.mode == PAST)) or 0


def remove_past_sign_ups() -> None:
    """Delete all sign-ups that were added by `import_sign_ups`: a demo's sample data, and also any
    sign-ups that came from another system.
    """
    past = select(SignUpRow.id).where(SignUpRow.mode == PAST)
    with current_state().log.writing() as session:
        session.execute(delete(CallRow).where(CallRow.sign_up_id.in_(past)))
        session.execute(delete(SignUpRow).where(SignUpRow.mode == PAST))


def normalized_contact(contact: str) -> str:
    """Return an email address or phone number in the form in which the log hashes it; raise
    `ValueError` if it is neither.
    """
    # imported here, since compiling its regular expressions takes 20 ms
    from email_validator import EmailNotValidError, validate_email

    try:
        if "@" in contact:
            # earlier versions accepted addresses whose local part isn't ASCII
            address = validate_email(clean_email(contact), check_deliverability=False)
            return address.ascii_email or address.normalized
        return e164(clean_phone(contact), current_settings().channels.default_region)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
