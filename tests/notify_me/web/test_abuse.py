"""Protection against abuse: rate limits by client and by contact, and the honeypot."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from notify_me import SettingsError
from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import post_form, view
from tests.notify_me.small_shop import DATABASE
from tests.support import Sandbox, eventually

PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"
ELEMENT = {"X-Notify-Me": "1"}


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """The small shop with rate limits."""
    return make_app(RATELIMIT_ENABLED=True).test_client()


def post(client: FlaskClient, email: str, address: str = "192.0.2.1", **more: str) -> int:
    """Sign up from this IP address, and return the status."""
    data = {"channels": "EMAIL", "email": email, **more}
    environ = {"REMOTE_ADDR": address}
    return client.post(PARKA, data=data, headers=ELEMENT, environ_base=environ).status_code


def test_contact_is_rate_limited_per_address(client: FlaskClient, sandbox: Sandbox) -> None:
    """Ten posts a minute are allowed for one contact from one IP address, whatever the case of the
    email address.
    """
    assert [post(client, "ada@example.org") for _ in range(10)] == [200] * 10
    assert post(client, "Ada@Example.org") == 429

    assert post(client, "bob@example.org") == 200
    assert post(client, "ada@example.org", "192.0.2.2") == 200
    assert len(sandbox.requests()) == 12


def test_address_is_rate_limited(client: FlaskClient) -> None:
    """Thirty valid posts a minute are allowed from one IP address."""
    assert {post(client, f"ada{number}@example.org") for number in range(30)} == {200}
    assert post(client, "ada@example.org") == 429

    assert post(client, "ada@example.org", "192.0.2.2") == 200


def test_failed_validation_has_its_own_higher_limit(client: FlaskClient) -> None:
    """Holding down Enter makes 30 posts a second. The corrected form must still get through."""
    assert {post(client, "nonsense") for _ in range(120)} == {422}
    assert post(client, "nonsense") == 429
    assert post(client, "ada@example.org") == 200


def test_ipv6_addresses_of_one_network_share_a_limit(client: FlaskClient) -> None:
    """The lower limit for a single contact also counts all addresses of a network as one."""
    addresses = [f"2001:db8:1:2::{number:x}" for number in range(1, 12)]

    statuses = [post(client, "ada@example.org", address) for address in addresses]

    assert statuses == [200] * 10 + [429]
    assert post(client, "ada@example.org", "2001:db8:1:3::1") == 200


@pytest.mark.parametrize("prefix", ["::ffff:", "64:ff9b::"])
def test_ipv4_addresses_written_as_ipv6_are_counted_one_by_one(
    client: FlaskClient, prefix: str
) -> None:
    statuses = [post(client, "ada@example.org", f"{prefix}192.0.2.1") for _ in range(10)]

    assert statuses == [200] * 10
    assert post(client, "ada@example.org", "192.0.2.1") == 429
    assert post(client, "ada@example.org", f"{prefix}192.0.2.2") == 200


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("192.0.2.1:40001", "192.0.2.1:40002"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::2"),
        ("fe80::1%eth0", "[fe80::2%eth0]"),
    ],
)
def test_port_and_scope_arent_part_of_the_address(
    client: FlaskClient, written: str, other: str
) -> None:
    assert {post(client, "ada@example.org", written) for _ in range(10)} == {200}
    assert post(client, "ada@example.org", other) == 429


def test_limits_are_settings(make_app: Callable[..., Flask]) -> None:
    """Two kinds of limit with the same number are counted separately."""
    client = make_app(
        RATELIMIT_ENABLED=True,
        NOTIFY_ME_LIMITS__VALID_POSTS="2",
        NOTIFY_ME_LIMITS__INVALID_POSTS="2",
        NOTIFY_ME_LIMITS__POSTS_PER_CONTACT="1",
    ).test_client()

    statuses = [post(client, email) for email in ("nonsense", "nonsense", "nonsense")]
    statuses += [post(client, f"ada{number}@example.org") for number in (1, 1, 2)]

    assert statuses == [422, 422, 429, 200, 429, 429]


def test_processes_share_limits_in_the_database(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """Two apps with one database stand for two processes. The table doesn't contain the address."""
    database = {"RATELIMIT_ENABLED": True, "RATELIMIT_STORAGE_URI": "database"}
    clients = [make_app(**database).test_client() for _ in range(2)]

    statuses = [post(clients[number % 2], "ada@example.org") for number in range(11)]

    assert statuses == [200] * 10 + [429]
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        rows = connection.execute("SELECT key, count FROM notify_me_rate_limit").fetchall()
    assert sorted(count for _, count in rows) == [11, 11]
    assert not any("192.0.2.1" in key or "ada" in key for key, _ in rows)


def test_counting_starts_again_after_the_window(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expired counts are deleted from the database."""
    client = make_app(RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI="database").test_client()
    for number in range(11):
        post(client, f"ada{number % 2}@example.org", f"192.0.2.{number % 2}")
    later = time.time() + 61
    monkeypatch.setattr("notify_me.store.rate_limits.time.time", lambda: later)

    assert {post(client, "ada0@example.org", "192.0.2.0") for _ in range(10)} == {200}
    assert post(client, "ada0@example.org", "192.0.2.0") == 429
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        counts = connection.execute("SELECT count FROM notify_me_rate_limit").fetchall()
    assert counts == [(11,), (11,)]


def test_clock_that_is_set_back_locks_nobody_out(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_app(RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI="database").test_client()
    for _ in range(11):
        post(client, "ada@example.org")
    assert post(client, "ada@example.org") == 429
    earlier = time.time() - 24 * 3600
    monkeypatch.setattr("notify_me.store.rate_limits.time.time", lambda: earlier)

    assert {post(client, "ada@example.org") for _ in range(10)} == {200}
    assert post(client, "ada@example.org") == 429


def test_shoppers_can_sign_up_while_the_storage_is_unavailable(
    make_app: Callable[..., Flask], lines: list[str]
) -> None:
    uri = "redis://127.0.0.1:9"
    client = make_app(RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI=uri).test_client()

    assert post(client, "ada@example.org") == 200
    assert any("this post isn't rate-limited" in line for line in lines)


@pytest.mark.parametrize(
    ("uri", "remedy"),
    [
        ("redis//localhost", "isn.t a supported URI"),
        ("nonsense://user:secret@host", "isn.t a supported URI"),
        ("redis://user:secret@localhost:port", "isn.t a supported URI"),
        ("memcached://localhost:11211", "needs a package"),
    ],
)
def test_invalid_storage_prevents_startup(
    make_app: Callable[..., Flask], uri: str, remedy: str
) -> None:
    """The message doesn't contain the storage's password."""
    with pytest.raises(SettingsError, match=remedy) as error:
        make_app(RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI=uri)

    assert "secret" not in str(error.value)


@pytest.mark.slow
@pytest.mark.process
def test_processes_share_limits_in_redis(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("Redis is not installed: apt-get install redis-server")
    socket_file = tmp_path / "redis.sock"
    command = [server, "--port", "0", "--unixsocket", str(socket_file), "--save", ""]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        eventually(socket_file.exists)
        uri = f"redis+unix://{socket_file}"
        more = {"RATELIMIT_ENABLED": True, "RATELIMIT_STORAGE_URI": uri}
        clients = [make_app(**more).test_client() for _ in range(2)]
        statuses = [post(clients[number % 2], "ada@example.org") for number in range(11)]
        process.terminate()

    assert statuses == [200] * 10 + [429]


def test_rate_limited_reply_has_retry_after_and_keeps_input(client: FlaskClient) -> None:
    for _ in range(10):
        post(client, "ada@example.org", "127.0.0.1")
    data = {"channels": "EMAIL", "email": "ada@example.org"}

    page = client.post(PARKA, data=data)
    reply = client.post(PARKA, data=data, headers=ELEMENT)

    assert page.status_code == reply.status_code == 429
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert 'value="ada@example.org"' in page.text
    assert "Too many attempts. Try again in a minute." in page.text
    assert reply.json is not None
    assert reply.json["state"] == "failed"


def test_filled_honeypot_is_never_confirmed(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """An autofill tool may have filled in the hidden field, so the form returns with that field
    empty.
    """
    data = {"channels": "EMAIL", "email": "ada@example.org"}
    filled = {**data, "leave_blank": "https://example.org"}

    reply = client.post(PARKA, data=filled, headers=ELEMENT)
    page = client.post(PARKA, data=filled)

    assert reply.status_code == page.status_code == 422
    assert reply.json is not None
    assert reply.json["state"] == "invalid"
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []
    for root in (view(reply), view(page)):
        assert "Your browser filled in a hidden field." in root.one("p", role="alert").text
        form = post_form(root)
        assert form.one("input", name="email")["value"] == "ada@example.org"
        assert "value" not in form.one("input", name="leave_blank")
    assert client.post(PARKA, data=data, headers=ELEMENT).status_code == 200


def test_honeypot_posts_are_counted_for_the_merchant(client: FlaskClient) -> None:
    """Failed validation isn't counted, since everybody mistypes sometimes."""
    for more in ({"leave_blank": "x"}, {"leave_blank": "x"}, {"email": "nonsense"}, {}):
        post(client, **{"email": "ada@example.org", **more})

    status = client.application.test_cli_runner().invoke(args=["notify-me", "status"])

    assert "honeypot:      2 posts refused in the last 7 days" in status.output


def test_honeypot_asks_form_fillers_to_leave_it_alone(client: FlaskClient) -> None:
    field = view(client.get(PARKA)).one("input", name="leave_blank")

    assert field["autocomplete"] == "off"
    assert field["data-lpignore"] == "true"
    assert field["data-form-type"] == "other"
    assert "data-1p-ignore" in field
    assert "data-bwignore" in field
