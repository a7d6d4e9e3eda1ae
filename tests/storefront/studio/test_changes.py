"""Changes to the settings: each invalid change is explained, and none reaches a shopper."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from notify_me.settings import Settings
from storefront.studio import looks
from storefront.studio.changes import InvalidChanges, apply_changes

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"


def test_each_invalid_value_has_a_problem_under_its_key() -> None:
    changes = {
        "modal.text_color": "reddish",
        "button.text_styles.font_size": 2,
        "button.label": "A",
    }

    with pytest.raises(InvalidChanges) as error:
        apply_changes(Settings(), changes)

    assert set(error.value.problems) == {"modal.text_color", "button.text_styles.font_size"}
    assert "must be a number from 8 to 72" in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"modal.background_color": "url(javascript:alert(1))"},
        {"modal.nonsense": "x"},
        {"modal.headline.deeper": "x"},
        {"delivery.in_flight": 1},
        {"channels.offered": ["EMAIL", "SMS"], "consent.brand": ""},
    ],
    ids=["invalid value", "unknown key", "not a table", "not changeable", "no consent wording"],
)
def test_invalid_look_is_ignored(app: Flask, changes: dict[str, Any]) -> None:
    """The merchant's settings may have changed since the look was saved."""
    client = app.test_client()
    for extra, is_valid in (({}, True), (changes, False)):
        with app.test_request_context():
            look = looks.save({"button.label": "Mine", **extra})
        client.set_cookie(looks.COOKIE, look)
        response = client.get(PARKA)
        assert response.status_code == 200
        assert ("Mine" in response.text) == is_valid
