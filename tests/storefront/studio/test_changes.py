"""Changes of the settings: a sentence for each wrong one, and none of them reaches a shopper."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from notify_me.settings import Settings
from storefront.studio import looks
from storefront.studio.changes import WrongChanges, applied

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"


def test_problems_name_their_keys() -> None:
    """Each wrong value has a sentence of its own, under its key."""
    changes = {
        "modal.text_color": "reddish",
        "button.text_styles.font_size": 2,
        "button.label": "A",
    }

    with pytest.raises(WrongChanges) as caught:
        applied(Settings(), changes)

    assert set(caught.value.problems) == {"modal.text_color", "button.text_styles.font_size"}
    assert "must be a number from 8 to 72" in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"modal.background_color": "url(javascript:alert(1))"},
        {"modal.nonsense": "x"},
        {"modal.headline.deeper": "x"},
        {"delivery.in_flight": 1},
        {"channels.offered": ["EMAIL", "SMS"], "consent.brand": ""},
    ],
    ids=["a wrong value", "an unknown key", "no table", "everyone's", "against the law"],
)
def test_a_look_that_cant_be_used_leaves_the_merchants(app: Flask, changes: dict[str, Any]) -> None:
    """Settings that the look was made for may have changed since."""
    client = app.test_client()
    for given, shown in (({"button.label": "Mine"}, True), (changes, False)):
        with app.test_request_context():
            name = looks.keep({"button.label": "Mine", **given})
        client.set_cookie(looks.COOKIE, name)
        response = client.get(PARKA)
        assert response.status_code == 200
        assert ("Mine" in response.text) == shown
