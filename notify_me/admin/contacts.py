"""One person's data: the hash it is found by, the records, and how it is erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from email_validator import EmailNotValidError, validate_email

from ..channels import Channel
from ..context import current_settings, current_state
from ..form.contacts import clean_email, clean_phone
from ..form.phone import e164
from ..klaviyo.calls import SignUp
from ..store import contact_records as contact_queries
from ..store.contact_records import ContactRecords, ErasedRecords
from ..variants import CompositeID

IMPORT_BATCH = 1000
"""How many past sign-ups are added in one transaction."""


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
    """When the variants came back in stock, with a time zone; None if the shopper still waits."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What `erase` deleted."""

    records: ErasedRecords
    calls: int
    """How many queued, dead-lettered or recently delivered calls were removed from the queue."""
    shop: str
    """What the shop's own `erase_contact` reported; empty without one."""


def contact_hash(contact: str) -> str:
    """Return the hash under which the log has an email address or a phone number.

    Sign-ups and orders of one person can be matched by it. It changes with `NOTIFY_ME_LOG_KEY`.
    Raises `ValueError` if the contact is neither an address nor a number.
    """
    return current_state().log.hash_contact(normalized_contact(contact))


def contact_records(contact: str) -> ContactRecords:
    """Return every sign-up and consent of a contact. Raises `ValueError` like `contact_hash`."""
    return contact_queries.contact_records(current_state().log, normalized_contact(contact))


def erase(contact: str) -> Erased:
    """Delete what the shop stores about a contact: sign-ups, calls in the queue, and whatever the
    shop's `erase_contact` removes.

    Consents that Klaviyo received stay, as proof, unless `[retention] erase_consents` is on.
    Klaviyo isn't called. Raises `ValueError` like `contact_hash`.
    """
    state, contact = current_state(), normalized_contact(contact)
    sign_up_ids = contact_queries.sign_up_ids(state.log, contact)
    # first the queue: if this is interrupted, the log still says which calls are left
    calls = state.queue.remove_of_sign_ups(sign_up_ids)
    with_consents = state.settings.retention.erase_consents
    records = contact_queries.erase(state.log, contact, with_consents=with_consents)
    # a worker may have queued the next attempt of a call in the meantime
    state.queue.remove_of_sign_ups(sign_up_ids)
    return Erased(records, calls, state.erase_contact(contact) if state.erase_contact else "")


def import_sign_ups(sign_ups: Iterable[PastSignUp]) -> int:
    """Add past sign-ups to the log, as accepted by Klaviyo, and return how many.

    They appear in the demand report, for a demo or after a move from another system. Nothing is
    sent and no consent is recorded. Raises `ValueError` for a sign-up without a variant, channel,
    time zone or the contact that a channel needs; earlier batches of 1,000 stay.
    """
    log, batch, count = current_state().log, [], 0
    for past in sign_ups:
        batch.append((past.at, past.alerted_at, _validated(past)))
        count += 1
        if len(batch) == IMPORT_BATCH:
            log.add_past(batch)
            batch = []
    log.add_past(batch)
    return count


def past_sign_ups() -> int:
    """Return how many sign-ups in the log were added by `import_sign_ups`."""
    return current_state().log.count_past()


def remove_past_sign_ups() -> None:
    """Delete all sign-ups that were added by `import_sign_ups`: a demo's sample data, but also
    those of a move from another system.
    """
    current_state().log.remove_past()


def latest_sign_ups(contact: str, variants: Iterable[CompositeID]) -> dict[CompositeID, datetime]:
    """Return when a contact last signed up for each of these variants, without those that they
    didn't sign up for. Raises `ValueError` like `contact_hash`.
    """
    latest = contact_queries.latest_sign_ups(
        current_state().log, normalized_contact(contact), [*map(str, variants)]
    )
    return {CompositeID.parse(variant): time for variant, time in latest.items()}


def _validated(past: PastSignUp) -> SignUp:
    if past.at.tzinfo is None or (past.alerted_at and past.alerted_at.tzinfo is None):
        raise ValueError(f"the sign-up of {past.at} has no time zone")
    if not past.variants or not past.channels:
        raise ValueError(f"the sign-up of {past.at} has no variants or no channels")
    contacts = {"email": past.email, "phone_number": past.phone_number}
    for channel in past.channels:
        if not contacts[channel.info.identifier]:
            raise ValueError(f"the sign-up of {past.at} has no contact for {channel.value}")
    return SignUp(
        variants=tuple(past.variants),
        channels=tuple(past.channels),
        email=normalized_contact(past.email) if past.email else None,
        phone_number=normalized_contact(past.phone_number) if past.phone_number else None,
    )


def normalized_contact(contact: str) -> str:
    """Return an email address or phone number as the log hashes it; raise `ValueError` if it is
    neither.
    """
    try:
        if "@" in contact:
            # sign-ups of earlier versions may have a mailbox that isn't ASCII
            address = validate_email(clean_email(contact), check_deliverability=False)
            return address.ascii_email or address.normalized
        return e164(clean_phone(contact), current_settings().channels.default_region)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
