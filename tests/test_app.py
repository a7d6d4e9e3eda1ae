"""The door: what the environment makes of the whole app."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from notify_me import SettingsError
from tests.support import Sandbox

FORM = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M"


def shop(folder: Path, sandbox: Sandbox, **environ: str) -> FlaskClient:
    """The demo shop, filled, with this added to its environment."""
    app = create_app(
        {
            "DEMO": "1",
            "SECRET_KEY": "s" * 32,
            "NOTIFY_ME_LOG_KEY": "l" * 32,
            "DATABASE_URL": f"sqlite:///{folder}/shop.db",
            **sandbox.environ(),
            **environ,
        }
    )
    with app.app_context():
        app.extensions["alembic"].upgrade()
        app.cli.commands["storefront"].main(["load"], standalone_mode=False)
        app.extensions["sqlalchemy"].engine.dispose()
    return app.test_client()


def statuses(client: FlaskClient, addresses: list[str]) -> set[int]:
    """The statuses of bad sign-ups that a proxy forwards for these addresses."""
    return {
        client.post(FORM, data={"channels": "EMAIL"}, headers={"X-Forwarded-For": each}).status_code
        for each in addresses
    }


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"TRUSTED_PROXIES": "1"}, {422}),
        ({}, {422, 429}),
        ({"RATELIMIT_ENABLED": "0"}, {422}),
    ],
    ids=["behind a proxy", "no proxy known", "limits off"],
)
def test_shoppers_behind_a_proxy(
    tmp_path: Path, sandbox: Sandbox, environ: dict[str, str], found: set[int]
) -> None:
    """With the proxies counted, each shopper has a limit of their own; else all share one."""
    addresses = [f"192.0.2.{number}" for number in range(40)]

    assert statuses(shop(tmp_path, sandbox, **environ), addresses) == found


@pytest.mark.parametrize("name", ["RATELIMIT_ENABLED", "TRUSTED_PROXIES", "DEMO"])
def test_odd_values_are_named(tmp_path: Path, sandbox: Sandbox, name: str) -> None:
    """A variable that is neither a number nor a switch stops the start."""
    with pytest.raises(SettingsError, match=f"{name} is 'some'"):
        shop(tmp_path, sandbox, **{name: "some"})


def test_an_edited_file_is_never_served_from_an_older_copy(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """A compressed file that is older than its original is left out, and left alone."""
    folder = Path(__file__).parents[1] / "notify_me" / "static"
    script = folder / "notify-me.js"
    compressed = folder / "notify-me.js.br"
    before = (compressed.read_bytes(), compressed.stat()) if compressed.exists() else None
    compressed.write_bytes(b"old")
    os.utime(compressed, (1, 1))
    try:
        client = shop(tmp_path, sandbox)
        url = "/notify-me/static/notify-me.js"
        with client.get(url, headers={"Accept-Encoding": "br"}) as reply:
            assert reply.data == script.read_bytes()
        assert compressed.read_bytes() == b"old"
    finally:
        compressed.unlink()
        if before is not None:
            compressed.write_bytes(before[0])
            os.utime(compressed, ns=(before[1].st_atime_ns, before[1].st_mtime_ns))
