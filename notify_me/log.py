"""The sign-up log: who asked for what, hashed and masked, and how each call ended.

A row is committed before anything goes out, so that what a crash interrupts can be seen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    DateTime,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    delete,
    exc,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from .outcomes import Accepted, Outcome, Refused
from .sign_up import Call, Channel, Operation, SignUp, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

TURN = 0.8
"""Seconds to wait for this process's other writers to SQLite; its own busy timeout comes on top."""
KEPT_DETAIL = 300
"""Characters of Klaviyo's explanation that the log keeps."""


class CallState(StrEnum):
    """Where a call stands. STARTED with nothing after it shows as unknown."""

    STARTED = "started"
    KEPT = "kept"
    TAKEN = "taken"
    REFUSED = "refused"
    FAILED = "failed"
    PARKED = "parked"


WAITING = (CallState.KEPT, CallState.PARKED)
"""Calls in these states are still owed: nothing deletes them."""

_BEFORE: dict[CallState, tuple[CallState, ...]] = {
    CallState.KEPT: (CallState.STARTED,),
    CallState.TAKEN: (CallState.STARTED,),
    CallState.REFUSED: (CallState.STARTED,),
    CallState.FAILED: (CallState.STARTED,),
}
"""States only move forward: from which ones the web's answers may reach each. What the queue does
with a kept call is `advance`'s, which minds the attempt.
"""


_UNSEEN = {"synchronize_session": False}
"""For updates of rows that their session doesn't hold, or doesn't look at again."""


class Base(DeclarativeBase):
    """The kit's own tables; they live in the shop's database under the prefix `notify_me_`."""


class SignUpRow(Base):
    """One submitted and valid form."""

    __tablename__ = "notify_me_sign_up"
    __table_args__ = (
        Index("ix_notify_me_sign_up_created_at", "created_at"),
        Index("ix_notify_me_sign_up_email_hmac", "email_hmac"),
        Index("ix_notify_me_sign_up_phone_hmac", "phone_hmac"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    mode: Mapped[str] = mapped_column(String(16))
    channels: Mapped[list[str]] = mapped_column(JSON)
    email_hmac: Mapped[str | None] = mapped_column(String(64))
    email_masked: Mapped[str | None] = mapped_column(String(64))
    phone_hmac: Mapped[str | None] = mapped_column(String(64))
    phone_masked: Mapped[str | None] = mapped_column(String(32))
    digest: Mapped[str | None] = mapped_column(String(64))
    """HMAC of the calls and consent texts: a browser's report must be about the same."""
    reported_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Client mode: when the browser told how its calls went; once."""
    calls: Mapped[list[CallRow]] = relationship(
        order_by="CallRow.position", cascade="all, delete-orphan", passive_deletes=True
    )
    consents: Mapped[list[ConsentRow]] = relationship(
        order_by="ConsentRow.id", cascade="save-update, merge", passive_deletes=True
    )


class CallRow(Base):
    """One call that a sign-up makes."""

    __tablename__ = "notify_me_call"
    __table_args__ = (
        Index("ix_notify_me_call_variant_state", "variant", "state"),
        Index("ix_notify_me_call_state", "state", "settled_at"),
    )

    sign_up_id: Mapped[str] = mapped_column(
        ForeignKey("notify_me_sign_up.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(String(64))
    variant: Mapped[str | None] = mapped_column(String(500))
    """None for the call that records consent."""
    state: Mapped[str] = mapped_column(String(16))
    words: Mapped[str] = mapped_column(String(KEPT_DETAIL), default="")
    status: Mapped[int | None]
    code: Mapped[str] = mapped_column(String(64), default="")
    error_id: Mapped[str] = mapped_column(String(64), default="")
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the state or the answer above was written last."""
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    """Which of the queue's copies of this call is the good one."""
    problem: Mapped[str] = mapped_column(String(KEPT_DETAIL), default="", server_default="")
    """What went wrong, for the merchant; without contact details."""


class HoldRow(Base):
    """An operation whose queue is held."""

    __tablename__ = "notify_me_hold"

    operation: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    until: Mapped[float] = mapped_column(Double)
    since: Mapped[float] = mapped_column(Double)
    cure: Mapped[str] = mapped_column(String(KEPT_DETAIL))


class ConsentRow(Base):
    """What a shopper agreed to for one channel: the proof, which outlives the sign-up's row.

    Committed before anything goes out, so it says what was asked for and given; `state` says what
    came of it, which for a contact that Klaviyo refused is nothing.
    """

    __tablename__ = "notify_me_consent"
    __table_args__ = (
        Index("ix_notify_me_consent_contact_hmac", "contact_hmac"),
        Index("ix_notify_me_consent_sign_up_id", "sign_up_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sign_up_id: Mapped[str | None] = mapped_column(
        ForeignKey("notify_me_sign_up.id", ondelete="SET NULL")
    )
    given_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    channel: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    """The state of the call that carries it to Klaviyo."""
    contact_hmac: Mapped[str] = mapped_column(String(64))
    contact_masked: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(32))
    locale: Mapped[str] = mapped_column(String(35))
    list_id: Mapped[str] = mapped_column(String(64))
    custom_source: Mapped[str] = mapped_column(String(100))


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """A call as the done view reads it back."""

    operation: Operation
    variant: str | None
    state: CallState
    words: str

    @property
    def lost(self) -> bool:
        """Whether Klaviyo has it not, and will not get it."""
        return self.state in (CallState.REFUSED, CallState.FAILED)


@dataclass(frozen=True, slots=True)
class LoggedSignUp:
    """A sign-up as the done view reads it back."""

    channels: tuple[Channel, ...]
    email_masked: str | None
    phone_masked: str | None
    consented: tuple[Channel, ...]
    calls: tuple[LoggedCall, ...]

    @classmethod
    def of(
        cls,
        sign_up: SignUp,
        calls: Sequence[Call],
        outcomes: Sequence[Outcome | None],
        kept: Collection[int] = (),
    ) -> LoggedSignUp:
        """What `SignUpLog.read` gives once these outcomes are settled."""
        return cls(
            channels=sign_up.channels,
            email_masked=masked_email(sign_up.email),
            phone_masked=masked_phone(sign_up.phone_number),
            consented=tuple(each.channel for each in _statements(sign_up)),
            calls=tuple(
                LoggedCall(
                    call.operation,
                    _variant(call),
                    CallState.KEPT if position in kept else _state_of(outcome),
                    outcome.words if outcome else "",
                )
                for position, (call, outcome) in enumerate(zip(calls, outcomes, strict=True))
            ),
        )


@dataclass(frozen=True, slots=True)
class HeldSignUp:
    """A sign-up as a data request is told of it."""

    when: datetime
    channels: tuple[str, ...]
    contacts: tuple[str, ...]
    """Masked: the log holds them in no other form that can be read."""
    calls: tuple[tuple[str, str | None, str], ...]
    """Operation, variant (None for consent) and state of each."""


@dataclass(frozen=True, slots=True)
class HeldConsent:
    """A consent as a data request is told of it."""

    when: datetime
    channel: str
    state: str
    """What came of it at Klaviyo, such as taken, kept, refused, unknown."""
    contact: str
    text: str
    version: str
    locale: str
    list_id: str
    custom_source: str


@dataclass(frozen=True, slots=True)
class Held:
    """All that the log holds about one contact, oldest first."""

    sign_ups: tuple[HeldSignUp, ...]
    consents: tuple[HeldConsent, ...]


class SignUpLog:
    """The log in the shop's database. Every method is a short transaction of its own.

    `engine` is asked for at each use, since Flask-SQLAlchemy-Lite binds engines to the app.
    Raises `sqlalchemy.exc.SQLAlchemyError` when the database can't take it.
    """

    def __init__(self, engine: Callable[[], Engine], key: str) -> None:
        self._engine = engine
        self._key = key.encode()
        self._turn = threading.Lock()

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with Session(self._engine()) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that writes. On SQLite this process's writers take turns, since those
        who find the file locked sleep and poll: that costs the last of them most.
        """
        if self._engine().dialect.name != "sqlite":
            with self._transaction() as session:
                yield session
            return
        if not self._turn.acquire(timeout=TURN):
            raise exc.TimeoutError("other writers hold the sign-up log")
        try:
            with self._transaction() as session:
                yield session
        finally:
            self._turn.release()

    def start(self, sign_up: SignUp, calls: Sequence[Call], mode: str) -> str:
        """Commit the sign-up, its consent and its calls, each STARTED; returns its ID
        (unguessable).
        """
        now = datetime.now(UTC)
        row = SignUpRow(
            id=secrets.token_urlsafe(16),
            created_at=now,
            mode=mode,
            channels=[channel.value for channel in sign_up.channels],
            email_hmac=self.contact_hmac(sign_up.email),
            email_masked=masked_email(sign_up.email),
            phone_hmac=self.contact_hmac(sign_up.phone_number),
            phone_masked=masked_phone(sign_up.phone_number),
            digest=self._digest(sign_up, calls),
            calls=[
                CallRow(
                    position=position,
                    operation=call.operation.value,
                    variant=_variant(call),
                    state=CallState.STARTED,
                )
                for position, call in enumerate(calls)
            ],
            consents=self._consents(sign_up, now),
        )
        with self.writing() as session:
            session.add(row)
            return row.id

    def _consents(self, sign_up: SignUp, now: datetime) -> list[ConsentRow]:
        masked = {
            "email": masked_email(sign_up.email),
            "phone_number": masked_phone(sign_up.phone_number),
        }
        return [
            ConsentRow(
                given_at=now,
                channel=each.channel.value,
                state=CallState.STARTED,
                contact_hmac=self.contact_hmac(getattr(sign_up, each.channel.identifier)),
                contact_masked=masked[each.channel.identifier],
                text=each.text,
                version=each.version,
                locale=each.locale,
                list_id=sign_up.consent.list_id if sign_up.consent else "",
                custom_source=sign_up.consent.custom_source if sign_up.consent else "",
            )
            for each in _statements(sign_up)
        ]

    def claim(self, sign_up_id: str, sign_up: SignUp, calls: Sequence[Call]) -> bool:
        """Whether the caller is the first to report on this client-mode sign-up.

        False for a repeated report, and for one whose form isn't the one that was logged.
        """
        with self.writing() as session:
            claimed = session.execute(
                update(SignUpRow)
                .where(SignUpRow.id == sign_up_id, SignUpRow.mode == "client")
                .where(SignUpRow.digest == self._digest(sign_up, calls))
                .where(SignUpRow.reported_at.is_(None))
                .values(reported_at=datetime.now(UTC))
                .returning(SignUpRow.id)
            )
            return claimed.first() is not None

    def settle(
        self,
        sign_up_id: str,
        outcomes: Sequence[Outcome | None],
        kept: Collection[int] = (),
        keep: Callable[[Session], None] | None = None,
    ) -> None:
        """Record how the calls ended, by position; None is a call that was never made.

        The calls at the positions `kept` become KEPT, and `keep` puts them into the queue within
        the same transaction: both are committed, or neither is.
        """
        with self.writing() as session:
            for position, outcome in enumerate(outcomes):
                state = CallState.KEPT if position in kept else _state_of(outcome)
                session.execute(
                    update(CallRow)
                    .where(CallRow.sign_up_id == sign_up_id, CallRow.position == position)
                    .where(CallRow.state.in_(_BEFORE[state]))
                    .values(state=state, settled_at=datetime.now(UTC), **_reason(outcome)),
                    execution_options=_UNSEEN,
                )
            _consents_follow(session, sign_up_id)
            if kept and keep is not None:
                keep(session)

    def call(self, session: Session, sign_up_id: str, position: int) -> CallRow | None:
        """One call of a sign-up, as it stands."""
        return session.get(CallRow, (sign_up_id, position))

    def waiting(self, session: Session, operation: str, state: CallState) -> bool:
        """Whether any call of an operation is in this state."""
        found = select(CallRow.position).where(CallRow.operation == operation)
        return session.scalar(found.where(CallRow.state == state).limit(1)) is not None

    def advance(
        self,
        session: Session,
        where: tuple[str, int, int],
        state: CallState,
        outcome: Outcome | None = None,
        *,
        before: CallState = CallState.KEPT,
        again: bool = False,
    ) -> bool:
        """Move a kept call on, if `where` (sign-up, position, attempt) is still the good copy.

        `again` makes the next attempt the good one. False, and nothing done, for a stale copy.
        """
        sign_up_id, position, attempt = where
        moved = session.execute(
            update(CallRow)
            .where(CallRow.sign_up_id == sign_up_id, CallRow.position == position)
            .where(CallRow.attempt == attempt, CallRow.state == before)
            .values(
                state=state,
                attempt=attempt + again,
                settled_at=datetime.now(UTC),
                **_reason(outcome),
            )
            .returning(CallRow.position),
            execution_options=_UNSEEN,
        )
        done = moved.first() is not None
        if done:
            _consents_follow(session, sign_up_id)
        return done

    def purge(self, before: datetime, consents_before: datetime) -> tuple[int, int]:
        """Delete the sign-ups made before a moment, but those that are still owed a call, and the
        consents given before another.

        Returns how many of each.
        """
        owed = exists().where(CallRow.sign_up_id == SignUpRow.id, CallRow.state.in_(WAITING))
        old = select(SignUpRow.id).where(SignUpRow.created_at < before, ~owed)
        with self.writing() as session:
            # SQLite minds foreign keys only where the shop asks it to
            session.execute(delete(CallRow).where(CallRow.sign_up_id.in_(old)))
            session.execute(
                update(ConsentRow).where(ConsentRow.sign_up_id.in_(old)).values(sign_up_id=None)
            )
            purged = session.execute(
                delete(SignUpRow)
                .where(SignUpRow.created_at < before, ~owed)
                .returning(SignUpRow.id)
            )
            consents = session.execute(
                delete(ConsentRow)
                .where(ConsentRow.given_at < consents_before, ConsentRow.sign_up_id.is_(None))
                .returning(ConsentRow.id)
            )
            return len(purged.all()), len(consents.all())

    def read(self, sign_up_id: str) -> LoggedSignUp | None:
        """The sign-up under this ID, or None."""
        with self._transaction() as session:
            row = session.scalar(select(SignUpRow).where(SignUpRow.id == sign_up_id))
            if row is None:
                return None
            return LoggedSignUp(
                channels=tuple(Channel(each) for each in row.channels),
                email_masked=row.email_masked,
                phone_masked=row.phone_masked,
                consented=tuple(Channel(each.channel) for each in row.consents),
                calls=tuple(
                    LoggedCall(
                        Operation(call.operation), call.variant, CallState(call.state), call.words
                    )
                    for call in row.calls
                ),
            )

    def held(self, contact: str) -> Held:
        """All that the log holds under a normalized email address or phone number."""
        hashed = self.contact_hmac(contact)
        with self._transaction() as session:
            sign_ups = session.scalars(
                select(SignUpRow)
                .where(or_(SignUpRow.email_hmac == hashed, SignUpRow.phone_hmac == hashed))
                .order_by(SignUpRow.created_at)
            )
            consents = session.scalars(
                select(ConsentRow).where(ConsentRow.contact_hmac == hashed).order_by(ConsentRow.id)
            )
            return Held(
                sign_ups=tuple(
                    HeldSignUp(
                        when=_utc(row.created_at),
                        channels=tuple(row.channels),
                        contacts=tuple(filter(None, (row.email_masked, row.phone_masked))),
                        calls=tuple(
                            (each.operation, each.variant, _shown(each.state)) for each in row.calls
                        ),
                    )
                    for row in sign_ups
                ),
                consents=tuple(
                    HeldConsent(
                        when=_utc(row.given_at),
                        channel=row.channel,
                        state=_shown(row.state),
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

    def _digest(self, sign_up: SignUp, calls: Sequence[Call]) -> str:
        versions = [(each.channel, each.version) for each in _statements(sign_up)]
        text = json.dumps([[call.body for call in calls], versions], sort_keys=True)
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def contact_hmac(self, contact: str | None) -> str | None:
        """HMAC-SHA256 of a normalized contact under `NOTIFY_ME_LOG_KEY`, case-folded; hex."""
        if not contact:
            return None
        return hmac.new(self._key, contact.casefold().encode(), hashlib.sha256).hexdigest()


def _consents_follow(session: Session, sign_up_id: str) -> None:
    """Give a sign-up's consents the state of the call that carries them."""
    state = (
        select(CallRow.state)
        .where(CallRow.sign_up_id == sign_up_id, CallRow.operation == Operation.SUBSCRIBE)
        .scalar_subquery()
    )
    session.execute(
        update(ConsentRow)
        .where(ConsentRow.sign_up_id == sign_up_id)
        .values(state=func.coalesce(state, ConsentRow.state)),
        execution_options=_UNSEEN,
    )


def _shown(state: str) -> str:
    """A call that was started and of which nobody has heard is unknown."""
    return "unknown" if state == CallState.STARTED else state


def _statements(sign_up: SignUp) -> Sequence[Statement]:
    return sign_up.consent.statements if sign_up.consent else ()


def _variant(call: Call) -> str | None:
    return str(call.variant) if call.variant else None


def _utc(moment: datetime) -> datetime:
    """SQLite gives back times without their zone; all are stored in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _state_of(outcome: Outcome | None) -> CallState:
    if isinstance(outcome, Accepted):
        return CallState.TAKEN
    return CallState.REFUSED if isinstance(outcome, Refused) else CallState.FAILED


def _reason(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {}
    return {
        "words": outcome.words[:KEPT_DETAIL],
        "status": outcome.answer.status,
        "code": outcome.answer.code[:64],
        "error_id": outcome.answer.error_id[:64],
        "problem": outcome.cure[:KEPT_DETAIL],
    }


def masked_email(email: str | None) -> str | None:
    """`ada@example.org` as `a•••@e•••.org`: enough to recognize, too little to write to."""
    if not email:
        return None
    local, _, domain = email.rpartition("@")
    name, _, ending = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{ending[:20]}"


def masked_phone(phone_number: str | None) -> str | None:
    """`+12025550143` as `+1•••43`: enough to recognize, too little to call."""
    return f"{phone_number[:2]}•••{phone_number[-2:]}" if phone_number else None
