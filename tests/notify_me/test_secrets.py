"""Neither the private key nor a shopper's address gets where it doesn't belong."""

from __future__ import annotations

import base64
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape

from klaviyo_sandbox.protocol.failures import KINDS
from tests.notify_me.conftest import side_by_side
from tests.notify_me.small_shop import DATABASE
from tests.support import Sandbox

PREFIX = "$custom:::$default:::"
MUG = f"/notify-me/{PREFIX}MUG"
CHOOSE = f"/notify-me/{PREFIX}PARKA-M-MOSS?choose=1"
BOTH = [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-L-MOSS"]
ELEMENT = {"X-Notify-Me": "1"}
# one that no other text holds by chance, and whose quoted forms differ from it
ADDRESS = "ada+zq7@leak-search.example.org"
HANGING = {"slow": 600, "drip": 3, "drip-headers": 3}
HOLDERS: tuple[dict[str, str], ...] = ({}, ELEMENT, {})
"""How each of the hanging ones is asked for: as a page, by the element, as a page."""


def forms_of(secret: str) -> set[bytes]:
    """The secret as it might be written down: plain, quoted, escaped, in base64."""
    plain = secret.encode()
    shifted = (b"", b"x", b"xx")
    return {
        plain.lower(),
        quote(secret).encode().lower(),
        str(escape(secret)).encode().lower(),
        # three ways to begin; the ends depend on what stands beside it
        *(base64.b64encode(shift + plain)[4:-4].lower() for shift in shifted),
    }


def leaks(places: Mapping[str, bytes], secret: str) -> list[str]:
    """The places in which the secret can be read, in any of its forms and in any case."""
    return [
        name
        for name, content in places.items()
        if any(form in content.lower() for form in forms_of(secret))
    ]


class Driven:
    """A shop that every drill was driven through, and all that it showed and wrote."""

    def __init__(self, app: Flask, folder: Path, lines: list[str]) -> None:
        self.app = app
        self.folder = folder
        self.lines = lines
        self.pages: dict[str, bytes] = {}
        """What anybody may see."""
        self.forms: dict[str, bytes] = {}
        """Forms and confirmations that go straight back to the person who typed the address."""

    @property
    def key(self) -> str:
        """The private key."""
        return str(self.app.config["KLAVIYO_PRIVATE_KEY"])

    def get(self, name: str, path: str, **options: Any) -> None:
        """Keep a page, headers and all."""
        self._keep(self.pages, name, self.app.test_client().get(path, **options))

    def post(self, name: str, path: str, data: dict[str, Any], headers: dict[str, str]) -> None:
        """Sign up, and keep the reply and the page it leads to."""
        reply = self.app.test_client().post(path, data=data, headers=headers)
        if reply.status_code == 303:
            self.get(f"{name}, done page", reply.location)
        confirmed = reply.is_json and reply.json is not None and reply.json["state"] == "done"
        sent_back = (
            confirmed or b'method=\\"post\\"' in reply.data or b'method="post"' in reply.data
        )
        self._keep(self.forms if sent_back else self.pages, name, reply)

    def _keep(self, into: dict[str, bytes], name: str, reply: Any) -> None:
        with reply:
            # JSON writes what isn't ASCII as escapes: the search wants what a reader gets
            content = reply.json["html"].encode() if reply.is_json else reply.data
            into[name] = f"{reply.status}\n{reply.headers}\n".encode() + reply.data + content

    def files(self) -> dict[str, bytes]:
        """The database, and what SQLite keeps beside it."""
        return {path.name: path.read_bytes() for path in self.folder.glob(f"{DATABASE}*")}

    def written(self) -> dict[str, bytes]:
        """Log lines and files."""
        logged = {f"line {n}: {line}": line.encode() for n, line in enumerate(self.lines)}
        return {**logged, **self.files()}


@pytest.fixture
def driven(
    make_app: Callable[..., Flask], tmp_path: Path, sandbox: Sandbox, all_lines: list[str]
) -> Iterator[Driven]:
    """The small shop, after each drill was driven through page and element."""
    app = make_app()
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        driven = Driven(app, tmp_path, all_lines)
        _drive(driven, sandbox)
        # the connection stays open, so that the write-ahead log is still there to be searched
        yield driven


def _drive(driven: Driven, sandbox: Sandbox) -> None:
    fields = {"channels": "EMAIL", "email": ADDRESS}
    ways: dict[str, dict[str, str]] = {"page": {}, "element": ELEMENT}
    for name, headers in ways.items():
        driven.get(f"form, {name}", MUG, headers=headers)
        driven.get(f"choice, {name}", CHOOSE, headers=headers)
        driven.get(f"unknown, {name}", f"{MUG}-2", headers=headers)
        driven.get(f"in stock, {name}", f"/notify-me/{PREFIX}PARKA-M-RUST", headers=headers)
        driven.post(f"taken, {name}", MUG, fields, headers)
        sandbox.drill("409")
        sandbox.drill("401")
        driven.post(f"half taken, {name}", CHOOSE, {**fields, "variants": BOTH}, headers)
        driven.post(f"no channel, {name}", MUG, {"email": ADDRESS}, headers)
        driven.post(f"two addresses, {name}", MUG, {**fields, "email": f"{ADDRESS}, x"}, headers)
        driven.post(f"too much, {name}", MUG, {**fields, "x": "x" * 20_000}, headers)
        foreign = {**headers, "Sec-Fetch-Site": "cross-site"}
        driven.post(f"another site, {name}", MUG, fields, foreign)
        driven.post(f"back, {name}", f"/notify-me/{PREFIX}PARKA-M-RUST", fields, headers)
        for kind in KINDS:
            if kind not in HANGING:
                # without a wait, in which nothing else would be tried
                sandbox.drill(kind, **({"retry_after": 0} if kind == "429" else {}))
                driven.post(f"{kind}, {name}", MUG, fields, headers)
    for kind, seconds in HANGING.items():
        sandbox.drill(kind, times=1, seconds=seconds)
    side_by_side(
        sandbox,
        *(partial(driven.post, f"hanging {n}", MUG, fields, way) for n, way in enumerate(HOLDERS)),
    )
    driven.get("script", "/notify-me/static/notify-me.js")
    driven.get("style", "/notify-me/static/notify-me.css")


def test_neither_key_nor_address_leaks(driven: Driven, sandbox: Sandbox) -> None:
    """Through every drill: replies, pages, script, log lines of every level, and the database.

    The address goes back only to the person who has just typed it.
    """
    _deliver(driven)
    everything = {**driven.pages, **driven.forms, **driven.written()}

    assert leaks(everything, driven.key) == []
    assert leaks({**driven.pages, **driven.written()}, ADDRESS) == []

    # what was searched was there to be found
    drills = [call["drill"] for call in sandbox.requests()]
    assert set(KINDS) - {"cors"} <= set(drills)
    assert all(ADDRESS in str(call["body"]) for call in sandbox.requests())
    assert leaks(driven.forms, ADDRESS) == [*driven.forms]
    assert len(driven.forms) > 20
    assert f"{DATABASE}-wal" in driven.files()
    assert leaks(driven.files(), f"{PREFIX}MUG") != []
    assert any("urllib3" in line for line in driven.lines)
    assert any("notify_me.delivery" in line for line in driven.lines)

    _plant(driven)


def _deliver(driven: Driven) -> None:
    """As a worker would: what was kept, address and all, leaves the database."""
    assert leaks(driven.files(), ADDRESS) != []
    with closing(sqlite3.connect(driven.folder / DATABASE, isolation_level=None)) as connection:
        for table in ("workflow_input", "workflow_status"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    fields = {"channels": "EMAIL", "email": ADDRESS}
    driven.post("taken in the end", MUG, fields, ELEMENT)


def _plant(driven: Driven) -> None:
    """The same search finds a key and an address that were put where they don't belong."""
    planted = {"address": ADDRESS, "key": driven.key}
    for name, secret in planted.items():
        driven.lines.clear()
        logging.getLogger("urllib3.connectionpool").debug("sent with %s", secret)
        assert len(leaks(driven.written(), secret)) == 1
        driven.lines.clear()
        logging.getLogger("notify_me").error("failed", exc_info=ValueError(secret))
        assert len(leaks(driven.written(), secret)) == 1
        driven.lines.clear()

        driven.app.view_functions["notify_me.show"] = lambda composite_id, text=secret: str(
            escape(text)
        )
        driven.get(f"planted {name}", MUG)
        assert leaks(driven.pages, secret) == [f"planted {name}"]

        with closing(sqlite3.connect(driven.folder / DATABASE)) as connection, connection:
            connection.execute("UPDATE notify_me_call SET message = ?", (secret,))
        assert leaks(driven.written(), secret) != []


WRITTEN = {
    "plain": f"to {ADDRESS}.",
    "in capitals": f"to {ADDRESS.upper()}.",
    "in an address": f"https://shop.example/?x={quote(ADDRESS)}&y=1",
    "in markup": f"<input value='{escape(ADDRESS)}'>",
    **{
        f"in base64, {len(before)} characters in": base64.b64encode(
            f"{before}{ADDRESS} and more".encode()
        ).decode()
        for before in ("", "x", "xx", "xxx")
    },
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_the_search_finds_every_form(written: str) -> None:
    """What it doesn't know, it could not miss."""
    places = {"here": written.encode(), "elsewhere": b"nothing of it"}

    assert leaks(places, ADDRESS) == ["here"]


def test_a_reply_to_one_shopper_holds_nothing_of_another(client: FlaskClient) -> None:
    """The form that comes next, in the same process, is empty."""
    client.post(MUG, data={"channels": "EMAIL", "email": f"{ADDRESS}, x"})

    assert leaks({"form": client.get(MUG).data}, ADDRESS) == []
