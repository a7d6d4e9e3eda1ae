"""Signals notify a shop's own code of sign-ups and restocks, without the contact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from flask import Flask, request

from notify_me import (
    Channel,
    CompositeID,
    RestockEvent,
    SignUpEvent,
    admin,
    restocked,
    sign_up_confirmed,
    sign_up_failed,
)
from tests.notify_me.offers import ADA, FORM, PREFIX, Scenario, all_scenarios
from tests.support import Sandbox

BY_EMAIL = {"channels": "EMAIL", "email": ADA}
ONE_ALERT = {"NOTIFY_ME_LIMITS__ALERTS_PER_CONTACT": "1"}


@pytest.fixture
def received() -> Iterator[list[tuple[str, Any]]]:
    """The events of all signals, by name."""
    events: list[tuple[str, Any]] = []
    signals = (sign_up_confirmed, sign_up_failed, restocked)
    with ExitStack() as connections:
        for signal in signals:
            receiver = partial(_add, events, signal.name)
            connections.enter_context(signal.connected_to(receiver))
        yield events


def _add(events: list[tuple[str, Any]], name: str, _app: Flask, event: object) -> None:
    events.append((name, event))


@all_scenarios
def test_confirmed_and_failed_sign_ups_are_reported(
    make_app: Callable[..., Flask], scenario: Scenario, received: list[tuple[str, Any]]
) -> None:
    app = make_app(NOTIFY_ME_MODE=scenario.mode, **ONE_ALERT)
    client = app.test_client()

    scenario.send(client, FORM, BY_EMAIL)
    scenario.send(client, FORM, BY_EMAIL)
    scenario.send(client, FORM, {**BY_EMAIL, "email": "not an address"})

    with app.app_context():
        contact_hash = admin.contact_hash(ADA)
    [(first, confirmed), (second, failed)] = received
    assert (first, confirmed.outcome) == ("sign-up-confirmed", "accepted")
    assert (second, failed.outcome) == ("sign-up-failed", "rate_limited")
    for event in (confirmed, failed):
        assert [str(variant) for variant in event.variants] == [FORM.rpartition("/")[2]]
        assert event.channels == (Channel.EMAIL,)
        assert event.contact_hash == contact_hash
        assert ADA not in repr(event)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("503", "queued"), ("415", "failed")],
)
def test_signal_has_the_outcome_of_the_sign_up(
    app: Flask,
    sandbox: Sandbox,
    fault: str,
    outcome: str,
    received: list[tuple[str, SignUpEvent]],
) -> None:
    sandbox.drill(fault)

    app.test_client().post(FORM, data=BY_EMAIL)

    assert [event.outcome for _, event in received] == [outcome]


def test_receivers_read_a_field_of_the_shop_and_cant_break_a_sign_up(
    app: Flask, lines: list[str]
) -> None:
    fields: list[str] = []

    @sign_up_confirmed.connect_via(app)
    def fail(_app: Flask, event: SignUpEvent) -> None:
        raise ValueError("a bug in the shop")

    @sign_up_confirmed.connect_via(app)
    def read(_app: Flask, event: SignUpEvent) -> None:
        fields.append(request.form["source"])

    reply = app.test_client().post(FORM, data={**BY_EMAIL, "source": "newsletter"})

    assert reply.status_code == 303
    assert fields == ["newsletter"]
    assert [line.splitlines()[0] for line in lines if "receiver" in line] == [
        "ERROR notify_me.signals: a receiver of the sign-up-confirmed signal failed"
    ]


def test_restock_is_reported_once_for_variants_that_shoppers_waited_for(
    app: Flask, received: list[tuple[str, Any]]
) -> None:
    waited_for, other = (CompositeID.parse(f"{PREFIX}{sku}") for sku in ("MUG", "PARKA-L-MOSS"))
    for address in (ADA, "ben@example.org"):
        app.test_client().post(f"/notify-me/{waited_for}", data={**BY_EMAIL, "email": address})
    received.clear()

    with app.app_context():
        alerted = [admin.record_restock([waited_for, other]) for _ in range(2)]

    assert alerted == [2, 0]
    assert received == [("restocked", RestockEvent(waited_for, 2))]
