"""A sign-up as rows of the log, and as it is read back: its contacts hashed and masked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..channels import Channel
from ..klaviyo.calls import Call, Operation, SignUp, Statement
from ..klaviyo.outcomes import Accepted, Outcome, Refused
from .tables import DETAIL_LENGTH, CallState


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """A call as the done view reads it back."""

    operation: Operation
    variant: str | None
    state: CallState
    message: str
    """What the shopper was told, in English; empty when the call was accepted."""

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
            consented=tuple(each.channel for each in statements(sign_up)),
            calls=tuple(
                LoggedCall(
                    call.operation,
                    variant(call),
                    CallState.QUEUED if position in kept else state_of(outcome),
                    outcome.message if outcome else "",
                )
                for position, (call, outcome) in enumerate(zip(calls, outcomes, strict=True))
            ),
        )


def rows_of(
    sign_up_id: str,
    sign_up: SignUp,
    calls: Sequence[Call],
    contact_hmac: Callable[[str | None], str | None],
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of a sign-up that is about to go out: its own, its calls', its consents'."""
    now, state = datetime.now(UTC), CallState.STARTED.value
    contacts = {"email": sign_up.email, "phone_number": sign_up.phone_number}
    hashed = {name: contact_hmac(contact) for name, contact in contacts.items()}
    masked = {
        "email": masked_email(sign_up.email),
        "phone_number": masked_phone(sign_up.phone_number),
    }
    row = {
        "id": sign_up_id,
        "created_at": now,
        "channels": [channel.value for channel in sign_up.channels],
        "email_hmac": hashed["email"],
        "email_masked": masked["email"],
        "phone_hmac": hashed["phone_number"],
        "phone_masked": masked["phone_number"],
    }
    call_rows = [
        {
            "sign_up_id": sign_up_id,
            "position": position,
            "operation": call.operation.value,
            "variant": variant(call),
            "state": state,
        }
        for position, call in enumerate(calls)
    ]
    consent_rows = [
        {
            "sign_up_id": sign_up_id,
            "given_at": now,
            "channel": each.channel.value,
            "state": state,
            "contact_hmac": hashed[each.channel.info.identifier],
            "contact_masked": masked[each.channel.info.identifier],
            "text": each.text,
            "version": each.version,
            "locale": each.locale,
            "list_id": sign_up.consent.list_id if sign_up.consent else "",
            "custom_source": sign_up.consent.custom_source if sign_up.consent else "",
        }
        for each in statements(sign_up)
    ]
    return row, call_rows, consent_rows


def ending_of(outcome: Outcome | None, *, queued: bool) -> dict[str, Any]:
    """How a call ended, as its row has it; None is a call that was never made."""
    state = CallState.QUEUED if queued else state_of(outcome)
    return {"state": state.value, **(reason_of(outcome) or _NO_REASON)}


_NO_REASON = {"message": "", "status": None, "code": "", "error_id": "", "problem": ""}
"""What a started call has, so that a call never made is written like the others."""


def reason_of(outcome: Outcome | None) -> dict[str, Any]:
    """Why a call ended as it did; empty for one that was never made."""
    if outcome is None:
        return {}
    return {
        "message": outcome.message[:DETAIL_LENGTH],
        "status": outcome.response.status,
        "code": outcome.response.code[:64],
        "error_id": outcome.response.error_id[:64],
        "problem": outcome.remedy[:DETAIL_LENGTH],
    }


def statements(sign_up: SignUp) -> Sequence[Statement]:
    """What was agreed to; empty without consent."""
    return sign_up.consent.statements if sign_up.consent else ()


def variant(call: Call) -> str | None:
    """The composite ID that a call is about, as text; None for the consent call."""
    return str(call.variant) if call.variant else None


def state_of(outcome: Outcome | None) -> CallState:
    """The state of a call that isn't queued; a call that wasn't made has failed."""
    if isinstance(outcome, Accepted):
        return CallState.ACCEPTED
    return CallState.REFUSED if isinstance(outcome, Refused) else CallState.FAILED


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
