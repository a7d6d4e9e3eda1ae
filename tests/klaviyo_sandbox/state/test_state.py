"""The state file: what survives a restart, and which files are refused."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from klaviyo_sandbox import Account, create_app
from klaviyo_sandbox.protocol import spec
from klaviyo_sandbox.state.sandbox import close
from klaviyo_sandbox.state.storage import StorageError
from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    OTHER_EMAIL,
    PHONE,
    MovableClock,
    RunningSandbox,
    consent_to,
    person,
)
from tests.klaviyo_sandbox.test_main import KEYS, PRIVATE_KEY, running
from tests.support import serve

LISTS = ("requests", "waiting", "profiles", "messages", "catalog", "unknown", "drills")
OBJECTS = ("account", "flow", "list", "regions")
ACCOUNT = Account(KEYS["KLAVIYO_PUBLIC_KEY"], PRIVATE_KEY, KEYS["KLAVIYO_LIST_ID"])


@contextmanager
def connected(url: str) -> Iterator[RunningSandbox]:
    """Yield an object that calls the sandbox at this URL."""
    with requests.Session() as session:
        session.trust_env = False
        yield RunningSandbox(url, ACCOUNT, MovableClock(), session)


@contextmanager
def saved(file: Path) -> Iterator[RunningSandbox]:
    """Run a sandbox with the state file, and stop it at the end."""
    app = create_app(ACCOUNT, now=MovableClock(), state=file)
    with serve(app) as url, connected(url) as sandbox:
        try:
            yield sandbox
        finally:
            close(app)
            sandbox.reset()  # cancels delayed replies; the file is closed


def everything(sandbox: RunningSandbox) -> dict[str, Any]:
    """Return the complete state."""
    lists = {name: sandbox.read(name) for name in LISTS}
    return lists | {name: sandbox.get(name) for name in OBJECTS}


@pytest.mark.process
def test_state_survives_a_kill(tmp_path: Path) -> None:
    """The order of the waiting list is preserved, and profiles are still found by their
    identifiers.
    """
    file = tmp_path / "state"
    with running("--state", str(file), **KEYS) as process, connected(process.url()) as sandbox:
        sandbox.add("jacket-m", "jacket-l")
        sandbox.set("flow", customers_per_unit=1, wait_seconds=3600)
        sandbox.set("list", opt_in_process="double_opt_in")
        sandbox.set("regions", supported=["US"])
        sandbox.set("account", scopes=spec.all_scopes(), date_skew=-90)
        sandbox.set("unknown", unknown=["x:::y:::z"])
        sandbox.subscribe(person(consent_to("sms"), email=EMAIL, phone_number=PHONE))
        sandbox.sign_up("zoe@shop.example.org", EMAIL, OTHER_EMAIL)
        sandbox.stock("jacket-m", 1)
        sandbox.drill("500", times=3)
        assert sandbox.server_call().status_code == 500
        sandbox.advance(60)
        before = everything(sandbox)
        process.process.send_signal(signal.SIGKILL)
        process.wait()

    with running("--state", str(file), **KEYS) as process, connected(process.url()) as sandbox:
        assert everything(sandbox) == before
        assert sandbox.get("clock")["ahead"] == 60
        assert [drill["times"] for drill in sandbox.read("drills")] == [2]
        sandbox.advance(3600)
        assert sandbox.recipients() == ["zoe@shop.example.org", EMAIL]
        # IDs continue, so an old link never shows another request.
        sandbox.server_call()
        numbers = [entry["id"] for entry in sandbox.read("requests")]
        assert numbers == list(range(1, len(numbers) + 1))
        # An update of the profile also changes its entry on the waiting list.
        sandbox.request("DELETE", "/_sandbox/drills")
        subscriber = person(
            consent_to("sms"), email=OTHER_EMAIL.upper(), phone_number="+12025550166"
        )
        assert sandbox.subscribe(subscriber).status_code == 202
        [waiting] = sandbox.read("waiting")
        expected = {"email": OTHER_EMAIL, "phone_number": "+12025550166"}
        assert waiting["profile"] == expected
        assert len(sandbox.read("profiles")) == 3
        sandbox.subscribe(person(email=OTHER_EMAIL))
        assert "the last one was less than a minute ago" in sandbox.notes()[0]


def test_reset_survives_a_restart(tmp_path: Path) -> None:
    """Only the user who runs the sandbox can read the file."""
    file = tmp_path / "state"
    with saved(file) as sandbox:
        assert file.stat().st_mode & 0o777 == 0o600
        initial = everything(sandbox)
        sandbox.add("jacket-m")
        sandbox.sign_up(EMAIL)
        sandbox.set("flow", status="manual")
        sandbox.advance(5)
        sandbox.reset()

    with saved(file) as sandbox:
        assert everything(sandbox) == initial
        assert sandbox.get("clock")["ahead"] == 0


def test_messages_of_an_earlier_version_are_loaded(tmp_path: Path) -> None:
    """The earlier version stored `created_at` as `made_at`."""
    file = tmp_path / "state"
    with saved(file) as sandbox:
        sandbox.add("jacket-m")
        sandbox.sign_up(EMAIL)
        sandbox.stock("jacket-m", 1)
        before = sandbox.read("messages")
        assert before
    with closing(sqlite3.connect(file)) as connection, connection:
        renamed = "replace(value, '\"created_at\"', '\"made_at\"')"
        connection.execute(f"UPDATE state SET value = {renamed} WHERE section = 'messages'")

    with saved(file) as sandbox:
        assert sandbox.read("messages") == before


def test_call_in_progress_is_finished_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state"
    with saved(file) as sandbox:
        sandbox.drill("slow", seconds=600)
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Klaviyo-API-Key {PRIVATE_KEY}"}
            with pytest.raises(requests.Timeout):
                session.get(f"{sandbox.url}/api/accounts", headers=headers, timeout=0.3)
        assert [entry["finished"] for entry in sandbox.read("requests")] == [False]

    with saved(file) as sandbox:
        assert [entry["finished"] for entry in sandbox.read("requests")] == [True]
        assert "The response was delayed" in sandbox.request("GET", "/requests/1").text


@pytest.mark.process
def test_file_can_be_set_in_the_environment(tmp_path: Path) -> None:
    """The state file never contains the private key."""
    file = tmp_path / "state"
    with running(SANDBOX_STATE=str(file), **KEYS) as process:
        process.request("PUT", "/_sandbox/unknown", json={"unknown": ["a"]})
        assert "survives a restart" in process.request("GET", "/").text
        headers = {"Authorization": f"Klaviyo-API-Key {PRIVATE_KEY}"}
        process.request("GET", f"/api/x?{PRIVATE_KEY}", headers=headers)
        process.process.send_signal(signal.SIGTERM)
        assert process.wait() == 0

    with closing(sqlite3.connect(file)) as connection:
        text = "\n".join(connection.iterdump())
    assert "Klaviyo-API-Key" in text
    assert PRIVATE_KEY not in text
    with saved(file) as sandbox:
        assert sandbox.get("unknown") == {"unknown": ["a"]}


def assert_refused(file: Path, message: str) -> None:
    """Assert that no sandbox can use the file."""
    with pytest.raises(StorageError) as caught:
        create_app(ACCOUNT, state=file)
    assert str(caught.value) == message


def test_file_in_use_by_another_sandbox_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state"
    with saved(file) as sandbox:
        assert_refused(
            file,
            f"The state file {file} is in use: stop the other sandbox, or choose another file.",
        )
        sandbox.sign_up(EMAIL)
        assert len(sandbox.read("waiting")) == 1


def test_other_files_are_not_changed(tmp_path: Path) -> None:
    """Files of other programs, and damaged files, are refused."""
    text, database, damaged = (tmp_path / name for name in ("text", "database", "damaged"))
    text.write_text("This is a letter, not a database. " * 50, encoding="utf-8")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE letters (body TEXT)")
    with saved(damaged) as sandbox:
        sandbox.sign_up(EMAIL)
    with closing(sqlite3.connect(damaged)) as connection, connection:
        connection.execute("UPDATE state SET value = '{}' WHERE section = 'waiting'")
    before = {file: file.read_bytes() for file in (text, database)}

    for file in (text, database, damaged):
        assert_refused(
            file, f"Can't read the state file {file}: choose another file, or delete this one."
        )
    assert {file: file.read_bytes() for file in (text, database)} == before


def test_file_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "state"

    assert_refused(file, f"Can't open the state file {file}: choose one in a writable folder.")

    assert not file.exists()
