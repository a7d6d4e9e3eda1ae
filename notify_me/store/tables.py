"""The kit's tables: sign-ups, their calls, consents, paused queues, honeypot posts, rate limits."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    column,
    func,
    inspect,
    select,
    table,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from ..klaviyo.calls import Operation

DETAIL_LENGTH = 300
"""The maximum length of stored messages, in characters. Longer ones are truncated."""


class CallState(StrEnum):
    """The state of one call to Klaviyo."""

    STARTED = "started"
    """Being sent. After `UNKNOWN_AFTER` without an outcome it is reported as `UNKNOWN`."""
    QUEUED = "queued"
    """To be sent by a worker."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Klaviyo rejected the contact or the variant."""
    FAILED = "failed"
    """Not delivered, and won't be sent again: the shopper was asked to try again, the call was
    dead-lettered for too long, or its queued job can't be read.
    """
    DEAD_LETTERED = "dead_lettered"
    """Set aside: the response was unexpected, the worker failed, the variant has a placeholder ID,
    or it was missing from Klaviyo's catalog for too long. `flask notify-me retry` sends the call
    again.
    """


UNDELIVERED = (CallState.QUEUED, CallState.DEAD_LETTERED)
"""The states of calls that Klaviyo still has to receive. Sign-ups with such calls aren't purged."""

UNKNOWN = "unknown"
"""Reported instead of STARTED for a call whose outcome was never recorded."""
UNKNOWN_AFTER = timedelta(minutes=1)
"""A call that is still STARTED this long after its sign-up is reported as `UNKNOWN`. Calls are sent
while a shopper waits, which takes a few seconds at most unless the process crashes.
"""


class Base(DeclarativeBase):
    """Base of the kit's tables, which share the prefix `notify_me_`."""


class SignUpRow(Base):
    """One valid sign-up, submitted or imported."""

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
    """The channels that the shopper selected."""
    refused_channels: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    """Those of the selected channels that Klaviyo refused."""
    email_hmac: Mapped[str | None] = mapped_column(String(64))
    email_masked: Mapped[str | None] = mapped_column(String(64))
    phone_hmac: Mapped[str | None] = mapped_column(String(64))
    phone_masked: Mapped[str | None] = mapped_column(String(32))
    digest: Mapped[str | None] = mapped_column(String(64))
    """Client mode: HMAC of the calls and the versions of the consent wording. A browser's report
    counts only if its form has the same HMAC.
    """
    reported_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Client mode: when the browser reported the outcomes of its calls. After that, another report
    counts only if `SignUpLog.reopen` has allowed it.
    """
    calls: Mapped[list[CallRow]] = relationship(
        order_by="CallRow.position", cascade="all, delete-orphan", passive_deletes=True
    )
    consents: Mapped[list[ConsentRow]] = relationship(
        order_by="ConsentRow.id", cascade="save-update, merge", passive_deletes=True
    )


class CallRow(Base):
    """One of a sign-up's calls to Klaviyo."""

    __tablename__ = "notify_me_call"
    __table_args__ = (
        Index("ix_notify_me_call_variant_state", "variant", "state"),
        Index("ix_notify_me_call_state", "state", "settled_at"),
        Index("ix_notify_me_call_alerted_at", "alerted_at", "variant"),
    )

    sign_up_id: Mapped[str] = mapped_column(
        ForeignKey("notify_me_sign_up.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(String(64))
    variant: Mapped[str | None] = mapped_column(String(500))
    """None for the call that records consent."""
    state: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(String(DETAIL_LENGTH), default="")
    """The message shown to the shopper, in English."""
    status: Mapped[int | None]
    code: Mapped[str] = mapped_column(String(64), default="")
    error_id: Mapped[str] = mapped_column(String(64), default="")
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the state and the outcome were last updated."""
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    """The attempt number of the only queued job that may still send this call."""
    problem: Mapped[str] = mapped_column(String(DETAIL_LENGTH), default="", server_default="")
    """What went wrong, for the merchant; without contact details."""
    alerted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When its variant came back in stock, which makes Klaviyo alert the shopper; None before that.
    """


UNKNOWN_VARIANT_CALLS = (CallRow.state.in_(UNDELIVERED), CallRow.code == "variant_not_found")
"""The conditions for undelivered calls whose variant Klaviyo's catalog doesn't have."""


WAITING_CALLS = (
    CallRow.operation == Operation.BACK_IN_STOCK,
    CallRow.state.in_((CallState.ACCEPTED, *UNDELIVERED)),
    CallRow.alerted_at.is_(None),
)
"""The conditions for calls of people who are waiting for an alert."""


PERSON = func.coalesce(SignUpRow.email_hmac, SignUpRow.phone_hmac)
"""The SQL expression that identifies a person: the HMAC of the email address, or of the phone
number if there is no email address.
"""


def select_calls(*columns: Any) -> Any:
    """Return a query for columns of the calls and their sign-ups."""
    return select(*columns).select_from(CallRow).join(SignUpRow, SignUpRow.id == CallRow.sign_up_id)


class PauseRow(Base):
    """An operation whose queue is paused. `until` and `since` are Unix timestamps."""

    __tablename__ = "notify_me_pause"

    operation: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """`throttled` or `misconfigured`."""
    until: Mapped[float] = mapped_column(Double)
    """When one call may probe whether Klaviyo accepts calls again."""
    since: Mapped[float] = mapped_column(Double)
    remedy: Mapped[str] = mapped_column(String(DETAIL_LENGTH))

    @property
    def probe_due(self) -> bool:
        """Whether one call may be sent despite the pause, because `until` has passed, or because
        the clock was set back, which makes `until` meaningless.
        """
        return self.until <= time.time() or self.since > time.time()


class HoneypotPostsRow(Base):
    """How many posts were refused on one day (UTC) because their hidden field was filled in."""

    __tablename__ = "notify_me_honeypot_posts"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    count: Mapped[int]


class ConsentRow(Base):
    """Proof of a shopper's consent for one channel, stored longer than the sign-up's row.

    It is committed before anything is sent. `state` says whether Klaviyo accepted it.
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
    """The state of the call that sends this consent to Klaviyo, or REFUSED if Klaviyo refused the
    channel.
    """
    contact_hmac: Mapped[str] = mapped_column(String(64))
    contact_masked: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(32))
    locale: Mapped[str] = mapped_column(String(35))
    list_id: Mapped[str] = mapped_column(String(64))
    custom_source: Mapped[str] = mapped_column(String(100))


class RateLimitRow(Base):
    """The count of one rate limit; see `store/rate_limits.py`."""

    __tablename__ = "notify_me_rate_limit"
    __table_args__ = (Index("ix_notify_me_rate_limit_expires_at", "expires_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """What is counted; hashed if it may contain an IP address or a contact."""
    count: Mapped[int]
    expires_at: Mapped[float] = mapped_column(Double)
    """The end of its window, as a Unix timestamp."""


LATEST_MIGRATION = "notify_me_0008"
"""The latest migration, which results in the tables above."""
VERSION_TABLE = "notify_me_version"


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the kit's tables in a database, or None if the database has no such
    tables.
    """
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(select(table(VERSION_TABLE, column("version_num"))))


def in_utc(moment: datetime) -> datetime:
    """Return a stored time in UTC. SQLite returns times without a time zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def midnight(day: date) -> datetime:
    """Return the start of a day in UTC."""
    return datetime.combine(day, time_of_day.min, UTC)


def unknown_before() -> datetime:
    """Return the time before which a sign-up's STARTED calls are reported as `UNKNOWN`."""
    return datetime.now(UTC) - UNKNOWN_AFTER
