"""The preview of a form, which only visitors recognized by the shop can use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.notify_me.markup import post_form, view
from tests.notify_me.web.test_visitor import MUG, headers, overrides_from_header
from tests.support import Sandbox


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The small shop, with a `visitor_loader` that reads a header."""
    return make_app(VISITS=overrides_from_header)


def test_recognized_visitor_previews_the_form(app: Flask, sandbox: Sandbox) -> None:
    """Validation is real; nothing is counted, logged or sent."""
    client = app.test_client()
    # with a consent checkbox, a real sign-up would read the list from Klaviyo
    recognized = headers({"consent.email_list": "ask"})
    form = post_form(view(client.get(f"{MUG}?preview=1", headers=recognized)))
    assert form["action"].endswith("preview=1")

    data = {"channels": "EMAIL", "email": "ada@lovelace.dev", "opt_in_promotional_email": "1"}
    for _ in range(40):  # more alerts than a contact may request in a day
        reply = client.post(form["action"], data=data, headers=recognized)
        assert reply.json is not None
        assert reply.json["state"] == "done"
    assert "You’re on the list" in view(reply).text
    wrong = client.post(form["action"], data={**data, "email": "ada"}, headers=recognized)
    assert wrong.status_code == 422
    assert sandbox.requests() == []


def test_preview_links_do_not_work_for_shoppers(app: Flask, sandbox: Sandbox) -> None:
    client = app.test_client()
    form = post_form(view(client.get(f"{MUG}?preview=1", headers={"X-Notify-Me": "1"})))
    assert "preview" not in form["action"]

    reply = client.post(
        f"{MUG}?preview=1",
        data={"channels": "EMAIL", "email": "ada@lovelace.dev"},
        headers={"X-Notify-Me": "1"},
    )
    assert reply.json is not None
    assert reply.json["state"] == "done"
    assert len(sandbox.requests()) == 1
