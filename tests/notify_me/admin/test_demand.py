"""The demand, counted from the log, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from notify_me import admin
from notify_me.store.tables import Base
from tests.notify_me.offers import ADA, MUG, PREFIX, TYPED_PHONE, submit_element, toml
from tests.notify_me.running_shop import Postgres, Shop
from tests.notify_me.small_shop import engine_of
from tests.support import Sandbox

M, L = f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-L-MOSS"
TODAY = datetime.now(UTC).date()
SIGN_UPS = Base.metadata.tables["notify_me_sign_up"]
AUCKLAND = "?options=-c%20timezone%3DPacific%2FAuckland"
"""A session time zone whose days begin half a day before those of UTC."""


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, make_shop: Callable[..., Shop]) -> Shop:
    """The small shop on each database, offering email and SMS."""
    settings = toml(["EMAIL", "SMS"])
    if request.param == "sqlite":
        return make_shop(settings=settings)
    cluster: Postgres = request.getfixturevalue("postgres")
    url = cluster.database(f"demand{os.urandom(4).hex()}")
    return make_shop(settings=settings, url=url + AUCKLAND)


def sign_up(
    app: Flask, *variants: str, email: str = ADA, phone: str = "", state: str = "done"
) -> None:
    """Sign up for these variants."""
    data: dict[str, Any] = {"variants": list(variants), "channels": ["EMAIL"], "email": email}
    if phone:
        consent = {"phone_number": phone, "opt_in_promotional_sms": "SMS"}
        data |= {**consent, "channels": ["EMAIL", "SMS"] if email else ["SMS"]}
    reply = submit_element(app.test_client(), f"/notify-me/{variants[0]}", data)
    assert reply.get_json()["state"] == state, reply.text


def set_time(engine: sa.Engine, moment: datetime) -> None:
    """Set the time of all sign-ups of the last hour."""
    recent = SIGN_UPS.c.created_at > datetime.now(UTC) - timedelta(hours=1)
    with engine.begin() as connection:
        connection.execute(sa.update(SIGN_UPS).where(recent).values(created_at=moment))


def at(day: date, clock: str = "00:00") -> datetime:
    """Return a time in UTC."""
    return datetime.combine(day, time.fromisoformat(clock), UTC)


def demand(app: Flask, since: date, until: date, **more: int) -> admin.Demand:
    """Return the demand in a period."""
    with app.app_context():
        return admin.demand(since, until, **more)


def nonzero(counts: dict[str, int]) -> dict[str, int]:
    """Return the counts without those that are zero."""
    return {name: count for name, count in counts.items() if count}


def test_demand_adds_up(shop: Shop, sandbox: Sandbox) -> None:
    """Sign-ups, people, channels and states are counted in total, by variant and by day. Days are
    in UTC, both ends of the period are included, and nothing outside it is counted.
    """
    app, first = shop.app, TODAY - timedelta(days=6)
    sign_up(app, M, email="early@example.org")
    set_time(shop.engine, at(first - timedelta(days=1), "23:59:59.999999"))
    sign_up(app, M)
    set_time(shop.engine, at(first))
    sign_up(app, M, L, phone=TYPED_PHONE)
    set_time(shop.engine, at(first, "23:59:59.900000"))
    sandbox.drill("503", times=1)
    sign_up(app, M, email="bob@example.org")
    sandbox.drill("400-email", times=1)
    sign_up(app, MUG, email="cleo@example.org", state="invalid")
    set_time(shop.engine, at(TODAY, "23:59:59"))

    result = demand(app, first, TODAY)

    assert (result.figures.requests, result.figures.people) == (5, 3)
    assert nonzero(dict(result.figures.channels)) == {"EMAIL": 5, "SMS": 2}
    assert nonzero(dict(result.figures.states)) == {"accepted": 3, "queued": 1, "refused": 1}
    assert result.days == (3, 0, 0, 0, 0, 0, 2)
    assert [(row.variant, row.figures.requests) for row in result.variants] == [
        (M, 3),
        (MUG, 1),
        (L, 1),
    ]
    assert result.variants[0].days == (2, 0, 0, 0, 0, 0, 1)
    assert result.variants[0].figures.people == 2
    assert nonzero(dict(result.variants[0].figures.states)) == {"accepted": 2, "queued": 1}
    assert {(reason.state, reason.problem, reason.requests) for reason in result.reasons} == {
        ("queued", "Klaviyo returned status 503", 1),
        ("refused", "Klaviyo rejected the email address", 1),
    }
    assert "example.org" not in repr(result)

    with app.app_context():
        rows = [
            (row.day, row.variant, row.figures.requests, nonzero(dict(row.figures.channels)))
            for row in admin.demand_by_day(first, TODAY)
        ]
    assert rows == [
        (first, L, 1, {"EMAIL": 1, "SMS": 1}),
        (first, M, 2, {"EMAIL": 2, "SMS": 1}),
        (TODAY, MUG, 1, {"EMAIL": 1}),
        (TODAY, M, 1, {"EMAIL": 1}),
    ]
    limited = demand(app, first, TODAY, max_variants=1)
    assert [row.variant for row in limited.variants] == [M]
    assert limited.variant_count == 3


def test_without_sign_ups_every_day_is_zero(shop: Shop) -> None:
    """A period that ends before it begins is an error."""
    result = demand(shop.app, TODAY, TODAY + timedelta(days=1))

    assert (result.figures.requests, result.figures.people) == (0, 0)
    assert (result.days, result.variants, result.variant_count) == ((0, 0), (), 0)
    with pytest.raises(ValueError, match="ends before it begins"):
        demand(shop.app, TODAY, TODAY - timedelta(days=1))


def test_an_unreported_sign_up_becomes_unknown(make_app: Callable[..., Flask]) -> None:
    """In client mode, a sign-up that the browser doesn't report becomes unknown after a minute."""
    app = make_app(NOTIFY_ME_MODE="client")
    sign_up(app, M, state="send")
    since, until = TODAY - timedelta(days=1), TODAY + timedelta(days=1)

    for state, age in (("started", timedelta(0)), ("unknown", timedelta(minutes=2))):
        with app.app_context():
            set_time(engine_of(app), datetime.now(UTC) - age)
            [record] = admin.contact_records(ADA).sign_ups

        assert nonzero(dict(demand(app, since, until).figures.states)) == {state: 1}
        assert {call[2] for call in record.calls} == {state}


def test_throttled_sign_ups_share_one_reason(
    make_app: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """The reason is the same, whatever delay Klaviyo asked for."""
    app = make_app()
    for seconds in (2, 30):
        sandbox.drill("429", retry_after=seconds)
        sign_up(app, M, email=f"shopper{seconds}@example.org")
        sandbox.end_drills()

    reasons = demand(app, TODAY, TODAY + timedelta(days=1)).reasons
    assert [(reason.problem, reason.requests) for reason in reasons] == [
        ("Klaviyo is rate-limiting requests", 2)
    ]
