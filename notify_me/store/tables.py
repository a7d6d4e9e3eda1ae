"""The kit's own tables in the shop's database: sign-ups, their calls, consents, held queues."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import JSON, DateTime, Double, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

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


UNKNOWN = "unknown"
"""What a call is that was started and of which nobody has heard since."""
STARTED_FOR = timedelta(minutes=1)
"""How long a call may be under way: a shopper waits for seconds."""


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


def in_utc(moment: datetime) -> datetime:
    """A time as the tables give it back: SQLite forgets the zone, and all are stored in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
