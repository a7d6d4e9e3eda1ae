"""The circuit breaker: when calls are sent, and when they aren't."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from notify_me import CompositeID
from notify_me.klaviyo.calls import Call, Operation
from notify_me.klaviyo.circuit_breaker import CircuitBreaker
from notify_me.klaviyo.client import NO_FREE_SLOT, Deadline, Klaviyo
from notify_me.klaviyo.outcomes import (
    Accepted,
    DeadLetter,
    KlaviyoResponse,
    Misconfigured,
    Outcome,
    Refused,
    Temporary,
)

ACCEPTED = Accepted(KlaviyoResponse(202))
TEMPORARY = Temporary(KlaviyoResponse(503))
CALL = Call(Operation.BACK_IN_STOCK, {}, CompositeID("$custom", "$default", "MUG"))


class FakeKlaviyo(Klaviyo):
    """Returns these outcomes in turn, and then acceptances."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent = 0

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """Return the next outcome."""
        self.sent += 1
        return self.outcomes.pop(0) if self.outcomes else ACCEPTED


def send(breaker: CircuitBreaker) -> Outcome:
    """Send a call with enough time."""
    return breaker.send(CALL, deadline=Deadline(60))


def test_simulated_delay_is_as_long_as_a_real_consent_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The delay is only simulated if the latest consent call was accepted."""
    clock, waits = iter(range(0, 1000, 7)), list[float]()
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr("time.sleep", waits.append)
    breaker = CircuitBreaker(FakeKlaviyo(ACCEPTED, ACCEPTED, TEMPORARY), failures=9, pause=1)
    consent = Call(Operation.SUBSCRIBE, {})

    def simulate() -> bool:
        return breaker.simulate_consent_delay(Deadline(500))

    assert not simulate()
    breaker.send(consent, deadline=Deadline(500))
    send(breaker)
    assert simulate()
    assert waits == [7]
    breaker.send(consent, deadline=Deadline(500))
    assert not simulate()


def test_it_opens_after_consecutive_failures() -> None:
    """An acceptance resets the number of failures. The outcome of a call that isn't sent is
    Temporary.
    """
    klaviyo = FakeKlaviyo(TEMPORARY, ACCEPTED, TEMPORARY, TEMPORARY)
    breaker = CircuitBreaker(klaviyo, failures=2, pause=600)

    assert [type(send(breaker)) for _ in range(5)] == [
        Temporary,
        Accepted,
        Temporary,
        Temporary,
        Temporary,
    ]
    assert klaviyo.sent == 4


def test_it_closes_after_a_trial_that_gets_a_response() -> None:
    """After the pause, one call is sent as a trial."""
    klaviyo = FakeKlaviyo(TEMPORARY, TEMPORARY, TEMPORARY)
    breaker = CircuitBreaker(klaviyo, failures=2, pause=0.000001)

    assert [type(send(breaker)) for _ in range(4)] == [Temporary, Temporary, Temporary, Accepted]
    assert isinstance(send(breaker), Accepted)


@pytest.mark.parametrize(
    "outcome",
    [
        Misconfigured(KlaviyoResponse(401)),
        Refused(KlaviyoResponse(400)),
        DeadLetter(KlaviyoResponse(418)),
        Temporary(KlaviyoResponse(429)),
        Temporary(KlaviyoResponse(None, problem=NO_FREE_SLOT)),
    ],
)
def test_responses_and_a_lack_of_slots_arent_failures(outcome: Outcome) -> None:
    """A breaker stays closed if Klaviyo responds, whatever the status, or if no slot is free for a
    call.
    """
    klaviyo = FakeKlaviyo(*[outcome] * 5)
    breaker = CircuitBreaker(klaviyo, failures=2, pause=600)

    assert [send(breaker) for _ in range(5)] == [outcome] * 5
    assert klaviyo.sent == 5


def test_an_expired_deadline_isnt_a_failure() -> None:
    """A call whose deadline has expired isn't sent, and doesn't count as a failure."""
    klaviyo = FakeKlaviyo()
    breaker = CircuitBreaker(klaviyo, failures=1, pause=600)

    assert isinstance(breaker.send(CALL, deadline=Deadline(0)), Temporary)
    assert isinstance(send(breaker), Accepted)
    assert klaviyo.sent == 1


class SlowKlaviyo(FakeKlaviyo):
    """Accepts the first call once `may_respond` is set."""

    def __init__(self, *outcomes: Outcome) -> None:
        super().__init__(*outcomes)
        self.called, self.may_respond = threading.Event(), threading.Event()

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """Return the next outcome."""
        if self.called.is_set():
            return super().send(call, deadline=deadline)
        self.called.set()
        self.may_respond.wait(60)
        return ACCEPTED


def test_a_response_to_a_call_from_before_the_outage_doesnt_end_the_pause() -> None:
    klaviyo = SlowKlaviyo(TEMPORARY, TEMPORARY)
    breaker = CircuitBreaker(klaviyo, failures=2, pause=600)
    with ThreadPoolExecutor(1) as threads:
        early = threads.submit(send, breaker)
        klaviyo.called.wait(60)
        assert [type(send(breaker)) for _ in range(2)] == [Temporary, Temporary]
        klaviyo.may_respond.set()
        assert isinstance(early.result(), Accepted)

    assert isinstance(send(breaker), Temporary)
    assert klaviyo.sent == 2
