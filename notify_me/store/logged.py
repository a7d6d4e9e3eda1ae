"""A sign-up as it is logged, with masked contacts and the state of each call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..channels import Channel
from ..klaviyo.calls import Call, Operation, SignUp
from ..klaviyo.outcomes import Accepted, Outcome, Refused
from .tables import CallState


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call of a logged sign-up."""

    operation: Operation
    variant: str | None
    """A composite ID; None for the consent call."""
    state: CallState
    message: str
    """The message shown to the shopper, in English; empty if the call was accepted."""

    @property
    def failed(self) -> bool:
        """Whether Klaviyo refused it, or will never receive it."""
        return self.state in (CallState.REFUSED, CallState.FAILED)


@dataclass(frozen=True, slots=True)
class LoggedSignUp:
    """A sign-up with the states of its calls, for the log and the confirmation."""

    channels: tuple[Channel, ...]
    email_masked: str | None
    phone_masked: str | None
    consented: tuple[Channel, ...]
    calls: tuple[LoggedCall, ...]
    refused: frozenset[Channel] = frozenset()
    """The channels that Klaviyo refused for this contact."""

    @classmethod
    def from_outcomes(
        cls,
        sign_up: SignUp,
        calls: Sequence[Call],
        outcomes: Sequence[Outcome | None],
        queued: Collection[int] = (),
    ) -> LoggedSignUp:
        """Return the sign-up as it is logged with these outcomes, which are None for calls that
        weren't sent. The calls at the positions `queued` will be sent later.
        """
        return cls(
            channels=sign_up.channels,
            email_masked=mask_email(sign_up.email),
            phone_masked=mask_phone(sign_up.phone_number),
            consented=tuple(
                statement.channel
                for statement in (sign_up.consent.statements if sign_up.consent else ())
            ),
            calls=tuple(
                LoggedCall(
                    call.operation,
                    str(call.variant) if call.variant else None,
                    _state_of(outcome, queued=position in queued),
                    outcome.message if outcome else "",
                )
                for position, (call, outcome) in enumerate(zip(calls, outcomes, strict=True))
            ),
            refused=frozenset().union(
                *(
                    outcome.refused_channels
                    for call, outcome in zip(calls, outcomes, strict=True)
                    # a consent call that was refused as a whole has the state REFUSED; the same
                    # channels may have been accepted for the alert
                    if outcome
                    and not (call.operation is Operation.SUBSCRIBE and isinstance(outcome, Refused))
                )
            ),
        )


def _state_of(outcome: Outcome | None, *, queued: bool) -> CallState:
    """Return a call's state after the shopper's request. Without an outcome, it wasn't sent."""
    if queued:
        return CallState.QUEUED
    if isinstance(outcome, Accepted):
        return CallState.ACCEPTED
    return CallState.REFUSED if isinstance(outcome, Refused) else CallState.FAILED


def mask_email(email: str | None) -> str | None:
    """Return `a•••@e•••.org` for `ada@example.org`: enough for its owner to recognize it."""
    if not email:
        return None
    local, _, domain = email.rpartition("@")
    name, _, ending = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{ending[:20]}"


def mask_phone(phone_number: str | None) -> str | None:
    """Return `+1•••43` for `+12025550143`."""
    return f"{phone_number[:2]}•••{phone_number[-2:]}" if phone_number else None
