"""The messages that the flow makes. They are kept here, and nothing leaves this machine."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from .rows import Rows, next_number


class Delivery(StrEnum):
    """What became of a message: it was sent, waits to be sent by hand, or was left out."""

    SENT = "sent"
    MANUAL = "manual"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `reason` says why one was skipped; `subject` is an email's alone."""

    id: int
    to: str
    channel: str
    variant: str
    title: str
    url: str
    image: str | None
    subject: str | None
    body: str
    status: Delivery
    made_at: datetime
    sent_at: datetime | None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the message as `/_sandbox/messages` shows it."""
        return {
            "id": self.id,
            "to": self.to,
            "channel": self.channel,
            "variant": self.variant,
            "title": self.title,
            "url": self.url,
            "subject": self.subject,
            "body": self.body,
            "status": str(self.status),
            "reason": self.reason,
            "made_at": self.made_at.isoformat(),
            "sent_at": self.sent_at.isoformat() if self.sent_at else None,
        }


class Messages:
    """Every message, oldest first. The caller holds the sandbox's lock."""

    def __init__(self) -> None:
        self.rows: Rows[int, Message] = Rows(Message)

    def add(self, **fields: Any) -> Message:
        """Keep a message, made with these fields."""
        message = Message(id=next_number(self.rows), **fields)
        self.rows.put(message.id, message)
        return message

    def send(self, message: Message, now: datetime) -> Message:
        """Send a message that was held."""
        sent = replace(message, status=Delivery.SENT, sent_at=now)
        self.rows.put(sent.id, sent)
        return sent

    def entries(self) -> list[Message]:
        """Return the messages, oldest first."""
        return self.rows.values()
