"""`admin.waiting()` and similar functions: who is waiting, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from notify_me import Channel, CompositeID, admin
from tests.notify_me.offers import ADA, TYPED_PHONE
from tests.notify_me.small_shop import engine_of

MUG, PARKA = (CompositeID("$custom", "$default", name) for name in ("MUG", "PARKA"))
BOB = "bob@example.org"


def test_a_restock_ends_the_wait(app: Flask) -> None:
    """A person who signs up twice counts once. The median is that of all sign-ups."""
    now = datetime.now(UTC)
    with app.test_request_context():
        admin.import_sign_ups(
            admin.PastSignUp(now - timedelta(days=days), [variant], [Channel.EMAIL], email)
            for days, variant, email in (
                *((8, MUG, ADA), (4, MUG, ADA), (3, MUG, BOB)),
                *((2, PARKA, BOB), (1, PARKA, ADA)),
            )
        )

        waiting = admin.waiting()
        assert waiting.people == 2
        assert waiting.median is not None
        assert waiting.longest is not None
        assert (waiting.median.days, waiting.longest.days) == (3, 8)
        without_mug = admin.waiting(without=[str(MUG)])
        assert without_mug.longest is not None
        assert without_mug.longest.days == 2
        assert admin.people_waiting() == {str(MUG): 2, str(PARKA): 2}
        assert admin.people_waiting([str(MUG)]) == {str(MUG): 2}
        assert admin.people_waiting(at_least=3) == {}

        assert admin.record_restock([MUG]) == 3
        assert admin.record_restock([MUG]) == 0
        assert admin.people_waiting() == {str(PARKA): 2}
        period = (now.date() - timedelta(days=9), now.date())
        assert admin.demand(*period).alerted == 2
        days = [*admin.demand_by_day(*period)]
        assert [(day.waiting, day.alerted) for day in days] == [
            *((0, 1), (0, 1), (0, 1), (1, 0), (1, 0))
        ]
        admin.record_restock([PARKA])
        empty = admin.waiting()
        assert (empty.people, empty.median, empty.longest) == (0, None, None)


def test_latest_sign_ups_of_a_contact(app: Flask) -> None:
    """The contact may be typed in any format; only the requested variants are returned."""
    now = datetime.now(UTC)
    with app.test_request_context():
        admin.import_sign_ups(
            admin.PastSignUp(now - timedelta(days=days), [MUG, PARKA], [*Channel], ADA, TYPED_PHONE)
            for days in (1, 5)
        )

        for contact in (f" {ADA.upper()}", TYPED_PHONE):
            latest = admin.latest_sign_ups(contact, [MUG])
            assert latest == {MUG: now - timedelta(days=1)}
        assert admin.latest_sign_ups(BOB, [MUG]) == {}
        with pytest.raises(ValueError, match="@-sign"):
            admin.latest_sign_ups("ada@", [MUG])
        with engine_of(app).begin() as connection:
            connection.execute(sa.text("UPDATE notify_me_call SET state = 'failed'"))
        assert admin.latest_sign_ups(ADA, [MUG]) == {}
