"""The public count of interested shoppers, which must not disclose individual sign-ups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, render_template_string

from notify_me import CompositeID
from notify_me.web.public_count import rounded_down
from tests.notify_me.admin.test_demand import set_time, sign_up
from tests.notify_me.offers import MUG, settings_file
from tests.notify_me.running_shop import people
from tests.notify_me.small_shop import DictCatalog, engine_of
from tests.support import Sandbox

ON: dict[str, Any] = {"NOTIFY_ME_DEMAND__PUBLIC_COUNT": "true"}
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def render_button(catalog: DictCatalog) -> Callable[[Flask], str]:
    """Return a function that renders the mug's button in a page of the shop."""

    def render(app: Flask, template: str = "{{ notify_me(mug) }}") -> str:
        mug = catalog.variants[CompositeID.parse(MUG)]
        with app.test_request_context():
            return render_template_string(template, mug=mug)

    return render


def add_sign_ups(
    app: Flask, emails: list[str], created_at: datetime = YESTERDAY, **more: Any
) -> None:
    """Add a sign-up for the mug by each of these people, at this time."""
    for email in emails:
        sign_up(app, MUG, email=email, **more)
    with app.app_context():
        set_time(engine_of(app), created_at)


def test_public_count_counts_each_person_once(
    make_app: Callable[..., Flask], sandbox: Sandbox, render_button: Callable[..., str]
) -> None:
    """The count includes accepted and queued sign-ups up to and including yesterday. It is rounded
    down.
    """
    app = make_app(**ON)
    sandbox.drill("400-email", times=9)
    add_sign_ups(app, people(9, "refused"), state="invalid")
    add_sign_ups(app, people(6))
    sandbox.drill("503", times=None)
    add_sign_ups(app, people(14))

    count_text = '<p class="notify-me__count">10+ people have asked for an alert</p>'
    assert count_text in render_button(app)
    assert render_button(app) == render_button(app)
    assert "notify-me__count" not in render_button(app, "{{ notify_me([mug]) }}")
    assert "notify-me__count" not in render_button(make_app())
    inline = make_app(**ON, NOTIFY_ME_MODAL__PRESENTATION="inline")
    assert count_text in render_button(inline)
    own_text = {"NOTIFY_ME_DEMAND__PUBLIC_COUNT_TEXT": "<b> {count}, {days}"}
    assert ">&lt;b&gt; 10, 30<" in render_button(make_app(**ON, **own_text))


def test_public_count_is_hidden_below_the_floor(
    make_app: Callable[..., Flask], render_button: Callable[..., str]
) -> None:
    """Today's sign-ups, and those from before the period, don't count."""
    app = make_app(**ON, NOTIFY_ME_DEMAND__PUBLIC_COUNT_DAYS="7")
    add_sign_ups(app, people(9), datetime.now(UTC))
    assert "notify-me__count" not in render_button(app)
    add_sign_ups(app, people(9), datetime.now(UTC) - timedelta(days=9))
    assert "notify-me__count" not in render_button(app)
    add_sign_ups(app, people(9))
    assert "5+ people" in render_button(app)

    assert "notify-me__count" not in render_button(
        make_app(**ON, NOTIFY_ME_DEMAND__PUBLIC_COUNT_FLOOR="6")
    )


def test_database_failure_hides_only_the_public_count(
    make_app: Callable[..., Flask], render_button: Callable[..., str], tmp_path: Path
) -> None:
    app = make_app(**ON)
    with app.app_context(), engine_of(app).begin() as connection:
        connection.execute(sa.text("ALTER TABLE notify_me_call RENAME TO gone"))

    page = render_button(app)

    assert "notify-me__button" in page
    assert "notify-me__count" not in page


def test_public_count_does_not_disclose_one_person() -> None:
    for key in ("k1", "k2"):
        for count in range(300):
            step = 5 if count < 50 else 10
            number = rounded_down(count, MUG, key)
            assert number % 5 == 0
            assert max(0, count - 2 * step) < number + 1 <= count + 1

    def rounded_counts(variant: str, key: str) -> list[int]:
        return [rounded_down(count, variant, key) for count in range(50, 300)]

    assert rounded_counts(MUG, "k1") == rounded_counts(MUG, "k1")
    assert rounded_counts(MUG, "k1") != rounded_counts(MUG, "k2")
    assert rounded_counts(MUG, "k1") != rounded_counts(f"{MUG}2", "k1")
    changes = sum(one != other for one, other in pairwise(rounded_counts(MUG, "k1")))
    assert 50 < changes < 200


def test_unknown_placeholder_in_the_count_text_is_refused(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    file = settings_file(tmp_path, '[demand]\npublic_count_text = "{number} people"\n')

    with pytest.raises(
        Exception, match=r"unknown placeholder \{number\}; the known ones are \{count\}, \{days\}"
    ):
        make_app(NOTIFY_ME_CONFIG=file)
