"""One visitor's own settings: they see theirs, everybody else the merchant's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, current_app, request

from notify_me import VisitorOverrides
from tests.notify_me.small_shop import changed
from tests.support import Sandbox

MUG = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AMUG"


def own() -> VisitorOverrides | None:
    """What a request's header says that its visitor has of their own."""
    given = json.loads(request.headers.get("X-Own", "null"))
    return (
        None
        if given is None
        else VisitorOverrides(changed(current_app, given["settings"]), given.get("mode"))
    )


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The small shop, which asks each visitor."""
    return make_app(VISITS=own)


def headers(settings: dict[str, Any], mode: str | None = None) -> dict[str, str]:
    """A request of `<notify-me>`'s by a visitor who has this of their own."""
    return {"X-Own": json.dumps({"settings": settings, "mode": mode}), "X-Notify-Me": "1"}


def test_visitor_settings_apply_to_that_visitor_only(app: Flask) -> None:
    client = app.test_client()
    changes = {"modal.headline": "Mine", "modal.background_color": "#123456"}

    assert "Mine" in client.get(MUG, headers=headers(changes)).text
    assert "#123456" in client.get("/notify-me/theme.css", headers=headers(changes)).text
    assert "Mine" not in client.get(MUG).text
    assert "#123456" not in client.get("/notify-me/theme.css").text


def test_visitor_mode_applies_to_that_visitor_only(app: Flask, sandbox: Sandbox) -> None:
    client = app.test_client()
    typed = {"channels": "EMAIL", "email": "ada@lovelace.dev"}

    assert client.post(MUG, data=typed, headers=headers({}, "client")).json["state"] == "send"  # type: ignore[index]
    assert sandbox.requests() == []
    assert client.post(MUG, data=typed, headers={"X-Notify-Me": "1"}).json["state"] == "done"  # type: ignore[index]
    assert len(sandbox.requests()) == 1


def test_visitor_mode_without_its_key_is_ignored(make_app: Callable[..., Flask]) -> None:
    client = make_app(VISITS=own, KLAVIYO_PUBLIC_KEY="").test_client()
    typed = {"channels": "EMAIL", "email": "ada@lovelace.dev"}

    assert client.post(MUG, data=typed, headers=headers({}, "client")).json["state"] == "done"  # type: ignore[index]
