"""The state file: what a restart keeps, and what is said when the file can't be used."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from klaviyo_sandbox import Account
from klaviyo_sandbox.protocol import spec
from tests.klaviyo_sandbox.conftest import EMAIL, PHONE, MovableClock, Running, consent_to, person
from tests.klaviyo_sandbox.test_main import KEYS, Process, running

pytestmark = pytest.mark.process

NAMES = ("requests", "waiting", "profiles", "messages", "catalog", "unknown", "drills")
SINGLES = ("account", "flow", "list", "regions")
ACCOUNT = Account(KEYS["KLAVIYO_PUBLIC_KEY"], KEYS["KLAVIYO_PRIVATE_KEY"], KEYS["KLAVIYO_LIST_ID"])


@contextmanager
def kept(file: Path) -> Iterator[tuple[Process, Running]]:
    """Run a sandbox on the file, as a process that is killed in the end."""
    with running("--state", str(file), **KEYS) as process:
        found = Running(process.url(), ACCOUNT, MovableClock(), requests.Session())
        found.session.trust_env = False
        with found.session:
            yield process, found


def everything(sandbox: Running) -> dict[str, Any]:
    """Return all that can be read of a sandbox."""
    lists = {name: sandbox.read(name) for name in NAMES}
    singles = {name: sandbox.ask("GET", f"/_sandbox/{name}").json() for name in SINGLES}
    return {**lists, **singles}


def test_a_killed_sandbox_goes_on_where_it_was(tmp_path: Path) -> None:
    """Whatever it had answered is there again: everything in the state, and in its order."""
    file = tmp_path / "state"
    with kept(file) as (process, sandbox):
        sandbox.add("jacket-m", "jacket-l")
        sandbox.set("flow", customers_per_unit=1, wait_seconds=3600)
        sandbox.set("list", opt_in_process="double_opt_in")
        sandbox.set("regions", supported=["US"])
        sandbox.set("account", scopes=spec.all_scopes(), date_skew=-90)
        sandbox.set("unknown", unknown=["x:::y:::z"])
        sandbox.subscribe(person(consent_to("sms"), email=EMAIL, phone_number=PHONE))
        sandbox.sign_up("zoe@shop.example.org", EMAIL, "grace@shop.example.org")
        sandbox.stock("jacket-m", 1)
        sandbox.drill("500", times=3)
        assert sandbox.server_call().status_code == 500
        sandbox.advance(60)
        before = everything(sandbox)
        process.process.send_signal(signal.SIGKILL)
        process.wait()

    with kept(file) as (_, sandbox):
        assert everything(sandbox) == before
        assert sandbox.ask("GET", "/_sandbox/clock").json()["ahead"] == 60
        assert [each["times"] for each in sandbox.read("drills")] == [2]
        sandbox.advance(3600)
        assert sandbox.told() == ["zoe@shop.example.org", EMAIL]
        # numbers go on: an old link never shows another thing
        sandbox.server_call()
        numbers = [each["id"] for each in sandbox.read("requests")]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_profile_is_one_and_the_same_after_a_restart(tmp_path: Path) -> None:
    """Who waits is found by the email address, and what is learnt of them later counts."""
    file = tmp_path / "state"
    with kept(file) as (_, sandbox):
        sandbox.add("jacket-m")
        sandbox.sign_up(EMAIL)

    with kept(file) as (_, sandbox):
        sandbox.subscribe(person(consent_to("sms"), email=EMAIL.upper(), phone_number=PHONE))
        [waiting] = sandbox.read("waiting")
        assert waiting["profile"] == {"email": EMAIL, "phone_number": PHONE}
        assert len(sandbox.read("profiles")) == 1
        sandbox.subscribe(person(consent_to("email"), email=EMAIL))
        assert "ignored: subscribed 0 minutes ago" in sandbox.notes()[0]


def test_a_reset_reaches_the_file(tmp_path: Path) -> None:
    """After it, a restart has nothing either."""
    file = tmp_path / "state"
    with kept(file) as (_, sandbox):
        fresh = everything(sandbox)
        sandbox.add("jacket-m")
        sandbox.sign_up(EMAIL)
        sandbox.set("flow", status="manual")
        sandbox.advance(5)
        sandbox.ask("POST", "/_sandbox/reset")

    with kept(file) as (_, sandbox):
        assert everything(sandbox) == fresh
        assert sandbox.ask("GET", "/_sandbox/clock").json()["ahead"] == 0


def test_a_call_that_was_under_way_is_cut_short(tmp_path: Path) -> None:
    """After a restart nothing of it is to come, and its page says so."""
    file = tmp_path / "state"
    with kept(file) as (_, sandbox):
        sandbox.drill("slow", seconds=600)
        with requests.Session() as other:
            other.trust_env = False
            try:
                path = f"{sandbox.url}/api/accounts"
                key = {"Authorization": f"Klaviyo-API-Key {ACCOUNT.private_key}"}
                other.get(path, headers=key, timeout=0.3)
            except requests.Timeout:
                pass
        assert [each["finished"] for each in sandbox.read("requests")] == [False]

    with kept(file) as (_, sandbox):
        assert [each["finished"] for each in sandbox.read("requests")] == [True]
        assert "The reply was delayed" in sandbox.ask("GET", "/requests/1").text


def test_the_environment_names_the_file_too(tmp_path: Path) -> None:
    """`SANDBOX_STATE` is enough; the file holds no private key."""
    file = tmp_path / "state"
    with running(SANDBOX_STATE=str(file), **KEYS) as process:
        process.ask("PUT", "/_sandbox/unknown", json={"unknown": ["a"]})
        assert "survives a restart" in process.ask("GET", "/").text
        key = {"Authorization": f"Klaviyo-API-Key {KEYS['KLAVIYO_PRIVATE_KEY']}"}
        process.ask("GET", f"/api/x?{KEYS['KLAVIYO_PRIVATE_KEY']}", headers=key)
        process.process.send_signal(signal.SIGTERM)
        assert process.wait() == 0

    with closing(sqlite3.connect(file)) as connection:
        text = "\n".join(connection.iterdump())
    assert "Klaviyo-API-Key" in text
    assert KEYS["KLAVIYO_PRIVATE_KEY"] not in text
    with running(SANDBOX_STATE=str(file), **KEYS) as process:
        assert process.ask("GET", "/_sandbox/unknown").json() == {"unknown": ["a"]}


def test_a_file_is_one_sandboxs_own(tmp_path: Path) -> None:
    """A second one says that it is in use, and the first goes on."""
    file = tmp_path / "state"
    with kept(file) as (_, sandbox):
        with running("--state", str(file), **KEYS) as second:
            assert second.wait() == 1
        sandbox.sign_up(EMAIL)
        assert len(sandbox.read("waiting")) == 1

    expected = f"The state file {file} is in use: stop the other sandbox, or choose another file.\n"
    assert second.output() == expected


def test_a_file_that_is_not_its_own_is_left_alone(tmp_path: Path) -> None:
    """Another program's file, another version's and a damaged one are named, and not touched."""
    text, database = tmp_path / "text", tmp_path / "database"
    text.write_text("This is a letter, and no database at all. " * 50, encoding="utf-8")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE letters (body TEXT)")
    damaged = tmp_path / "damaged"
    with kept(damaged) as (process, sandbox):
        sandbox.sign_up(EMAIL)
        process.process.send_signal(signal.SIGTERM)
        process.wait()
    with closing(sqlite3.connect(damaged)) as connection, connection:
        connection.execute("UPDATE state SET value = '{}' WHERE section = 'waiting'")

    before = {file: file.read_bytes() for file in (text, database)}
    for file in (text, database, damaged):
        with running("--state", str(file), **KEYS) as process:
            assert process.wait() == 1
        assert process.output() == (
            f"{file} is not a state file of this sandbox: delete it, or choose another file.\n"
        )
    assert before == {file: file.read_bytes() for file in (text, database)}


def test_a_file_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    """A folder that isn't there gets a sentence."""
    file = tmp_path / "missing" / "state"

    with running("--state", str(file), **KEYS) as process:
        assert process.wait() == 1

    assert (
        f"Cannot open the state file {file}: choose one in a writable folder." in process.output()
    )
    assert not file.exists()
