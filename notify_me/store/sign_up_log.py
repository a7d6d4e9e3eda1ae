"""The sign-up log: sign-ups with hashed and masked contacts, and the outcome of each call.

A sign-up is committed before anything is sent, so that it is on record even if the process crashes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, exc, func, insert, select, update
from sqlalchemy.orm import Session

from ..channels import Channel
from ..klaviyo.calls import Call, Operation, SignUp
from ..klaviyo.outcomes import Outcome
from .logged import LoggedCall, LoggedSignUp, mask_email, mask_phone
from .tables import (
    DETAIL_LENGTH,
    PERSON,
    UNDELIVERED,
    UNKNOWN_VARIANT_CALLS,
    WAITING_CALLS,
    Base,
    CallRow,
    CallState,
    ConsentRow,
    HoneypotPostsRow,
    SignUpRow,
    select_calls,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

WRITE_LOCK_TIMEOUT = 2.0
"""Seconds that a thread waits for other threads that write to SQLite."""

# a shopper waits for these statements, so they are built once and bypass the ORM
_SIGN_UPS, _CALLS, _CONSENTS = (
    Base.metadata.tables[row.__tablename__] for row in (SignUpRow, CallRow, ConsentRow)
)
_ADD_SIGN_UP, _ADD_CALLS, _ADD_CONSENTS = (
    insert(table).inline() for table in (_SIGN_UPS, _CALLS, _CONSENTS)
)
# an UPDATE's parameters can't share the columns' names, hence `of_sign_up` and `at_position`
_RECORD_OUTCOME = (
    update(_CALLS)
    .where(_CALLS.c.sign_up_id == bindparam("of_sign_up"))
    .where(_CALLS.c.position == bindparam("at_position"))
    # final states never change, and queued calls are updated by `advance`
    .where(_CALLS.c.state == CallState.STARTED.value)
)
_UPDATE_CONSENTS = (
    update(_CONSENTS)
    .where(_CONSENTS.c.sign_up_id == bindparam("of_sign_up"))
    # the call was sent without the channels that Klaviyo refused, so its state doesn't apply to
    # the consents for them
    .where(_CONSENTS.c.state != CallState.REFUSED.value)
    .values(
        state=func.coalesce(
            select(_CALLS.c.state)
            .where(_CALLS.c.sign_up_id == bindparam("of_sign_up"))
            .where(_CALLS.c.operation == Operation.SUBSCRIBE.value)
            .scalar_subquery(),
            _CONSENTS.c.state,
        )
    )
)
"""Copies the state of a sign-up's consent call to its consents."""
_RECENT_ALERTS = {
    name: select(func.count())
    .select_from(CallRow)
    .join(SignUpRow)
    .where(SignUpRow.created_at > bindparam("since"), contact_hash == bindparam("contact_hash"))
    .where(CallRow.operation == Operation.BACK_IN_STOCK)
    .where(CallRow.state.not_in((CallState.REFUSED, CallState.FAILED)))
    for name, contact_hash in (
        ("email", SignUpRow.email_hmac),
        ("phone_number", SignUpRow.phone_hmac),
    )
}
"""Counts the alerts that were requested for a contact, by the `identifier` of its channel."""
_WAITING_UP_TO = select(func.count()).select_from(
    select_calls(PERSON.label("person"))
    .where(*WAITING_CALLS, CallRow.variant == bindparam("variant"))
    .distinct()
    .limit(bindparam("max_people", type_=Integer))
    .subquery()
)
"""Counts the people who are waiting for a variant, up to a maximum."""


class SignUpLog:
    """The sign-up log. Methods that use the database are one short transaction each, unless they
    take a session.

    `engine` returns the database's engine, and is called on each use. Contacts are hashed with the
    first of `keys`, and looked up with all of them, since keys change. Methods raise
    `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
    """

    def __init__(self, engine: Callable[[], Engine], keys: Sequence[str]) -> None:
        self._engine = engine
        self.keys = tuple(keys)
        self._write_lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a transaction that only reads. Its rows can still be used afterwards."""
        with Session(self._engine(), expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction that writes."""
        with (
            self._locked(),
            Session(self._engine(), expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let only one thread at a time write to SQLite. Otherwise, waiting threads would poll the
        locked file, some of them for much longer than others.
        """
        if self._engine().dialect.name != "sqlite":
            yield
            return
        if not self._write_lock.acquire(timeout=WRITE_LOCK_TIMEOUT):
            raise exc.TimeoutError("other threads are writing to the sign-up log")
        try:
            yield
        finally:
            self._write_lock.release()

    def start(self, sign_up: SignUp, calls: Sequence[Call], mode: str) -> str:
        """Commit the sign-up, its consents and its calls as STARTED; return its ID, which can't be
        guessed. `mode` is `server` or `client`: who makes the calls first.
        """
        sign_up_id, now = secrets.token_urlsafe(16), datetime.now(UTC)
        hashes = self._hashes(sign_up)
        masked = {
            "email": mask_email(sign_up.email),
            "phone_number": mask_phone(sign_up.phone_number),
        }
        sign_up_row = {
            "id": sign_up_id,
            "created_at": now,
            "mode": mode,
            **self.contact_columns(sign_up),
            "digest": self._digests(sign_up, calls)[0] if mode == "client" else None,
        }
        call_rows = [
            {
                "sign_up_id": sign_up_id,
                "position": position,
                "operation": call.operation.value,
                "variant": str(call.variant) if call.variant else None,
                "state": CallState.STARTED.value,
            }
            for position, call in enumerate(calls)
        ]
        consent_rows = []
        if consent := sign_up.consent:
            consent_rows = [
                {
                    "sign_up_id": sign_up_id,
                    "given_at": now,
                    "channel": statement.channel.value,
                    "state": CallState.STARTED.value,
                    "contact_hmac": hashes[statement.channel.info.identifier],
                    "contact_masked": masked[statement.channel.info.identifier],
                    "text": statement.text,
                    "version": statement.version,
                    "locale": statement.locale,
                    "list_id": consent.list_id,
                    "custom_source": consent.custom_source,
                }
                for statement in consent.statements
            ]
        with self._locked(), self._engine().begin() as connection:
            connection.execute(_ADD_SIGN_UP, sign_up_row)
            if call_rows:
                connection.execute(_ADD_CALLS, call_rows)
            if consent_rows:
                connection.execute(_ADD_CONSENTS, consent_rows)
        return sign_up_id

    def recent_alerts(self, sign_up: SignUp, period: timedelta) -> int:
        """Return how many back-in-stock calls were logged in the last `period` for the sign-up's
        email address or for its phone number, whichever has more. Refused and failed calls don't
        count.
        """
        since = datetime.now(UTC) - period
        with self._engine().connect() as connection:
            counts = (
                connection.scalar(
                    _RECENT_ALERTS[name], {"since": since, "contact_hash": contact_hash}
                )
                for name, contact_hash in self._hashes(sign_up).items()
            )
            return max((count or 0 for count in counts), default=0)

    def has_consented(self, sign_up: SignUp, period: timedelta) -> bool:
        """Return whether Klaviyo has already accepted all consents of this sign-up, with the same
        contacts, wording and list, within the last `period`. Only responses to this server count,
        since a browser's report may be forged.
        """
        if sign_up.consent is None:
            return False
        hashes = self._hashes(sign_up)
        with self.reading() as session:
            recorded = {
                (row.channel, row.version, row.contact_hmac)
                for row in session.scalars(
                    select(ConsentRow)
                    .join(SignUpRow, SignUpRow.id == ConsentRow.sign_up_id)
                    .join(CallRow, CallRow.sign_up_id == SignUpRow.id)
                    .where(SignUpRow.mode == "server")
                    # a call has no status if it was skipped because the consent was known
                    .where(CallRow.operation == Operation.SUBSCRIBE, CallRow.status.is_not(None))
                    .where(ConsentRow.contact_hmac.in_(hashes.values()))
                    .where(ConsentRow.list_id == sign_up.consent.list_id)
                    .where(ConsentRow.state == CallState.ACCEPTED)
                    .where(ConsentRow.given_at > datetime.now(UTC) - period)
                )
            }
        return recorded.issuperset(
            (statement.channel, statement.version, hashes[statement.channel.info.identifier])
            for statement in sign_up.consent.statements
        )

    def claim(self, sign_up_id: str, sign_up: SignUp, calls: Sequence[Call]) -> bool:
        """Mark a client-mode sign-up as reported; return whether it was still awaiting a report.

        If the report's form isn't the one that was logged, mark nothing and return False.
        """
        with self.writing() as session:
            claimed = session.execute(
                update(SignUpRow)
                .where(SignUpRow.id == sign_up_id, SignUpRow.mode == "client")
                .where(SignUpRow.digest.in_(self._digests(sign_up, calls)))
                .where(SignUpRow.reported_at.is_(None))
                .values(reported_at=datetime.now(UTC))
                .returning(SignUpRow.id)
            )
            return claimed.first() is not None

    def record_outcomes(
        self,
        sign_up_id: str,
        logged: LoggedSignUp,
        outcomes: Sequence[Outcome | None],
        enqueue: Callable[[Connection], None] | None = None,
    ) -> None:
        """Record the outcomes of the calls. Their states and the refused channels are in `logged`.

        If some calls are QUEUED, `enqueue` puts them into the queue in the same transaction.
        """
        now = datetime.now(UTC)
        updates = [
            {
                "of_sign_up": sign_up_id,
                "at_position": position,
                "settled_at": now,
                "state": call.state.value,
                **_explanation(outcome),
            }
            for position, (call, outcome) in enumerate(zip(logged.calls, outcomes, strict=True))
        ]
        with self._locked(), self._engine().begin() as connection:
            if updates:
                connection.execute(_RECORD_OUTCOME, updates)
            if logged.refused:
                with Session(connection) as session:
                    self.record_refused_channels(session, sign_up_id, logged.refused)
                    session.flush()
            connection.execute(_UPDATE_CONSENTS, {"of_sign_up": sign_up_id})
            if enqueue is not None:
                enqueue(connection)

    def record_refused_channels(
        self, session: Session, sign_up_id: str, channels: Collection[Channel]
    ) -> None:
        """Record that Klaviyo refused these channels, and any consent to them, for a sign-up."""
        row = session.get(SignUpRow, sign_up_id, with_for_update=True)
        if row is None:
            return
        row.refused_channels = sorted({*row.refused_channels, *channels})
        session.execute(
            update(ConsentRow)
            .where(ConsentRow.sign_up_id == sign_up_id, ConsentRow.channel.in_(channels))
            .values(state=CallState.REFUSED.value)
        )

    def reopen(self, sign_up_id: str, refused: Collection[Channel]) -> None:
        """Allow another report on a client-mode sign-up, whose calls will be repeated without these
        channels.
        """
        with self.writing() as session:
            self.record_refused_channels(session, sign_up_id, refused)
            session.execute(
                update(SignUpRow).where(SignUpRow.id == sign_up_id).values(reported_at=None)
            )

    def waiting_count_equals(self, variant: str, people: int) -> bool:
        """Return whether exactly this many people are waiting for a variant. The query stops
        counting when there are more.
        """
        values = {"variant": variant, "max_people": people + 1}
        with self._engine().connect() as connection:
            return connection.scalar(_WAITING_UP_TO, values) == people

    def count_honeypot_post(self) -> None:
        """Count a post that was refused because its hidden field was filled in."""
        today = datetime.now(UTC).date()
        with self.writing() as session:
            counted = session.execute(
                update(HoneypotPostsRow)
                .where(HoneypotPostsRow.day == today)
                .values(count=HoneypotPostsRow.count + 1)
                .returning(HoneypotPostsRow.day)
            )
            if counted.first() is None:
                session.add(HoneypotPostsRow(day=today, count=1))

    def current_call(self, session: Session, job_key: tuple[str, int, int]) -> CallRow | None:
        """Return the call of the job with this key (`Job.key`), or None if another job has replaced
        that job or the call is finished.
        """
        sign_up_id, position, attempt = job_key
        row = session.get(CallRow, (sign_up_id, position))
        if row is None or row.attempt != attempt or row.state not in UNDELIVERED:
            return None
        return row

    def advance(
        self,
        session: Session,
        job_key: tuple[str, int, int],
        state: CallState,
        outcome: Outcome | None = None,
    ) -> bool:
        """Change the state of the call of the job with this key (`Job.key`).

        Return False if another job has replaced that job or the call is finished.

        If the new state is QUEUED or DEAD_LETTERED, the caller must add a job for the next attempt.
        """
        sign_up_id, position, attempt = job_key
        advanced = session.execute(
            update(CallRow)
            .where(CallRow.sign_up_id == sign_up_id, CallRow.position == position)
            .where(CallRow.attempt == attempt, CallRow.state.in_(UNDELIVERED))
            .values(
                state=state,
                attempt=attempt + (state in UNDELIVERED),
                settled_at=datetime.now(UTC),
                **(_explanation(outcome) if outcome else {}),
            )
            .returning(CallRow.position),
            execution_options={"synchronize_session": False},
        )
        if advanced.first() is None:
            return False
        session.execute(_UPDATE_CONSENTS, {"of_sign_up": sign_up_id})
        return True

    def is_unknown_variant(self, session: Session, variant: str) -> bool:
        """Return whether a call is undelivered because Klaviyo doesn't have this variant."""
        query = select(CallRow.position).where(CallRow.variant == variant, *UNKNOWN_VARIANT_CALLS)
        return session.execute(query.limit(1)).first() is not None

    def read(self, sign_up_id: str) -> LoggedSignUp | None:
        """Return the sign-up with this ID, or None."""
        with self.reading() as session:
            row = session.get(SignUpRow, sign_up_id)
            if row is None:
                return None
            return LoggedSignUp(
                channels=tuple(Channel(channel) for channel in row.channels),
                email_masked=row.email_masked,
                phone_masked=row.phone_masked,
                consented=tuple(Channel(consent.channel) for consent in row.consents),
                calls=tuple(
                    LoggedCall(
                        Operation(call.operation), call.variant, CallState(call.state), call.message
                    )
                    for call in row.calls
                ),
                refused=frozenset(map(Channel, row.refused_channels)),
            )

    def contact_columns(self, sign_up: SignUp) -> dict[str, Any]:
        """Return the columns of a sign-up's channels and hashed and masked contacts."""
        hashes = self._hashes(sign_up)
        return {
            "channels": [channel.value for channel in sign_up.channels],
            "email_hmac": hashes.get("email"),
            "email_masked": mask_email(sign_up.email),
            "phone_hmac": hashes.get("phone_number"),
            "phone_masked": mask_phone(sign_up.phone_number),
        }

    def _hashes(self, sign_up: SignUp) -> dict[str, str]:
        """Return the HMACs of a sign-up's contacts by the channels' `identifier`."""
        contacts = {"email": sign_up.email, "phone_number": sign_up.phone_number}
        return {name: self.hash_contact(text) for name, text in contacts.items() if text}

    def _digests(self, sign_up: SignUp, calls: Sequence[Call]) -> list[str]:
        """Return the HMACs of a form's calls and consent wording under each key, the current key
        first.
        """
        statements = sign_up.consent.statements if sign_up.consent else ()
        versions = [(statement.channel, statement.version) for statement in statements]
        text = json.dumps([[call.body for call in calls], versions], sort_keys=True)
        return [keyed_hash(key, text) for key in self.keys]

    def hash_contact(self, contact: str) -> str:
        """Return the HMAC-SHA256 of a normalized contact under the current key, as hexadecimal
        digits.
        """
        return self.contact_hashes(contact)[0]

    def contact_hashes(self, contact: str) -> list[str]:
        """Return the HMACs of a normalized contact under each key, the current key first."""
        return [keyed_hash(key, contact.casefold()) for key in self.keys]


def keyed_hash(key: str, text: str) -> str:
    """Return an HMAC-SHA256 as hexadecimal digits."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _explanation(outcome: Outcome | None) -> dict[str, Any]:
    """Return the columns of a call that explain its state."""
    if outcome is None:
        return {"message": "", "status": None, "code": "", "error_id": "", "problem": ""}
    return {
        "message": outcome.message[:DETAIL_LENGTH],
        "status": outcome.response.status,
        "code": outcome.response.code[:64],
        "error_id": outcome.response.error_id[:64],
        "problem": outcome.explanation[:DETAIL_LENGTH],
    }
