"""Settings and mode of a single visitor, which don't affect other visitors."""

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


def overrides_from_header() -> VisitorOverrides | None:
    """Return the visitor's settings and mode from the request's header `X-Own`."""
    overrides = json.loads(request.headers.get("X-Own", "null"))
    return (
        None
        if overrides is None
        else VisitorOverrides(changed(current_app, overrides["settings"]), overrides.get("mode"))
    )


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The small shop, with a `visitor_loader` that reads a header."""
    return make_app(VISITS=overrides_from_header)


def headers(settings: dict[str, Any], mode: str | None = None) -> dict[str, str]:
    """Return the headers of a request by the element, for a visitor with these overrides."""
    return {"X-Own": json.dumps({"settings": settings, "mode": mode}), "X-Notify-Me": "1"}


def test_visitor_settings_apply_to_that_visitor_only(app: Flask) -> None:
    client = app.test_client()
    changes = {"modal.headline": "Mine", "modal.background_color": "#123456"}

    assert "Mine" in client.get(MUG, headers=headers(changes)).text
    assert "#123456" in client.get("/notify-me/theme.css", headers=headers(changes)).text
    assert "Mine" not in client.get(MUG).text
    other_visitors_css = client.get("/notify-me/theme.css")
    assert "#123456" not in other_visitors_css.text
    again = {"If-None-Match": other_visitors_css.headers["ETag"]}
    assert client.get("/notify-me/theme.css", headers=again).status_code == 304
    assert "#123456" in client.get("/notify-me/theme.css", headers=again | headers(changes)).text


def test_visitors_settings_in_a_test_with_an_app_context(app: Flask) -> None:
    """The requests share the context, and therefore `g`."""
    client = app.test_client()
    with app.app_context():
        assert "Mine" in client.get(MUG, headers=headers({"modal.headline": "Mine"})).text
        assert "Mine" not in client.get(MUG).text


def test_visitor_mode_applies_to_that_visitor_only(app: Flask, sandbox: Sandbox) -> None:
    client = app.test_client()
    data = {"channels": "EMAIL", "email": "ada@lovelace.dev"}

    assert client.post(MUG, data=data, headers=headers({}, "client")).json["state"] == "send"  # type: ignore[index]
    assert sandbox.requests() == []
    assert client.post(MUG, data=data, headers={"X-Notify-Me": "1"}).json["state"] == "done"  # type: ignore[index]
    assert len(sandbox.requests()) == 1


def test_visitor_mode_without_its_key_is_ignored(make_app: Callable[..., Flask]) -> None:
    client = make_app(VISITS=overrides_from_header, KLAVIYO_PUBLIC_KEY="").test_client()
    data = {"channels": "EMAIL", "email": "ada@lovelace.dev"}

    assert client.post(MUG, data=data, headers=headers({}, "client")).json["state"] == "done"  # type: ignore[index]
