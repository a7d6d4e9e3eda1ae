"""A sign-up as the log reads it back, its contacts masked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..channels import Channel
from ..klaviyo.calls import Call, Operation, SignUp, Statement
from ..klaviyo.outcomes import Accepted, Outcome, Refused
from .tables import CallState


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
            consented=tuple(each.channel for each in statements(sign_up)),
            calls=tuple(
                LoggedCall(
                    call.operation,
                    variant(call),
                    CallState.KEPT if position in kept else state_of(outcome),
                    outcome.words if outcome else "",
                )
                for position, (call, outcome) in enumerate(zip(calls, outcomes, strict=True))
            ),
        )


def statements(sign_up: SignUp) -> Sequence[Statement]:
    """What was agreed to; empty without consent."""
    return sign_up.consent.statements if sign_up.consent else ()


def variant(call: Call) -> str | None:
    """The composite ID that a call is about, as text; None for the consent call."""
    return str(call.variant) if call.variant else None


def state_of(outcome: Outcome | None) -> CallState:
    """The state of a call that isn't queued; a call that wasn't made has failed."""
    if isinstance(outcome, Accepted):
        return CallState.TAKEN
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
