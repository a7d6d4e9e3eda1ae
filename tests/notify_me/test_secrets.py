"""The private key and shoppers' addresses don't leak into replies, logs or the database."""

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
# an address that no other text contains by chance, and whose escaped forms differ from it
ADDRESS = "ada+zq7@leak-search.example.org"
SLOW_DRILLS = {"slow": 600, "drip": 3, "drip-headers": 3}
"""Drills that outlast the deadline, with their delays in seconds."""
SLOW_REQUEST_HEADERS: tuple[dict[str, str], ...] = ({}, ELEMENT, {})
"""The headers of the request during each slow drill: page, element, page."""


def forms_of(secret: str) -> set[bytes]:
    """Return the secret in the encodings that it might have: plain, quoted, escaped, base64."""
    plain = secret.encode()
    prefixes = (b"", b"x", b"xx")
    return {
        plain.lower(),
        quote(secret).encode().lower(),
        str(escape(secret)).encode().lower(),
        # base64 depends on the position modulo 3, and its ends depend on the text around the secret
        *(base64.b64encode(prefix + plain)[4:-4].lower() for prefix in prefixes),
    }


def leaks(places: Mapping[str, bytes], secret: str) -> list[str]:
    """Return the names of the places that contain the secret, in any form and case."""
    return [
        name
        for name, content in places.items()
        if any(form in content.lower() for form in forms_of(secret))
    ]


class DrilledShop:
    """A shop after all drills, with everything that it replied, logged and stored."""

    def __init__(self, app: Flask, folder: Path, lines: list[str]) -> None:
        self.app = app
        self.folder = folder
        self.lines = lines
        self.pages: dict[str, bytes] = {}
        """Replies that don't repeat the shopper's input."""
        self.forms: dict[str, bytes] = {}
        """Replies with the shopper's input: forms and confirmations."""

    @property
    def key(self) -> str:
        """The private key."""
        return str(self.app.config["KLAVIYO_PRIVATE_KEY"])

    def get(self, name: str, path: str, **options: Any) -> None:
        """Get a page and record it, with its headers."""
        self._record(self.pages, name, self.app.test_client().get(path, **options))

    def post(self, name: str, path: str, data: dict[str, Any], headers: dict[str, str]) -> None:
        """Sign up, and record the reply and the page that it redirects to."""
        reply = self.app.test_client().post(path, data=data, headers=headers)
        if reply.status_code == 303:
            self.get(f"{name}, confirmation", reply.location)
        confirmed = reply.is_json and reply.json is not None and reply.json["state"] == "done"
        sent_back = (
            confirmed or b'method=\\"post\\"' in reply.data or b'method="post"' in reply.data
        )
        self._record(self.forms if sent_back else self.pages, name, reply)

    def _record(self, into: dict[str, bytes], name: str, reply: Any) -> None:
        with reply:
            # in JSON, non-ASCII characters are escaped: also record the decoded text
            content = reply.json["html"].encode() if reply.is_json else reply.data
            into[name] = f"{reply.status}\n{reply.headers}\n".encode() + reply.data + content

    def files(self) -> dict[str, bytes]:
        """Return the files of the database, including SQLite's write-ahead log."""
        return {path.name: path.read_bytes() for path in self.folder.glob(f"{DATABASE}*")}

    def written(self) -> dict[str, bytes]:
        """Return log lines and files by name."""
        logged = {f"line {n}: {line}": line.encode() for n, line in enumerate(self.lines)}
        return {**logged, **self.files()}


@pytest.fixture
def shop(
    make_app: Callable[..., Flask], tmp_path: Path, sandbox: Sandbox, all_lines: list[str]
) -> Iterator[DrilledShop]:
    """The small shop after requests by page and element under each drill."""
    app = make_app()
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        shop = DrilledShop(app, tmp_path, all_lines)
        _run_drills(shop, sandbox)
        # while the connection is open, SQLite doesn't delete the write-ahead log
        yield shop


def _run_drills(shop: DrilledShop, sandbox: Sandbox) -> None:
    fields = {"channels": "EMAIL", "email": ADDRESS}
    headers_by_name: dict[str, dict[str, str]] = {"page": {}, "element": ELEMENT}
    for name, headers in headers_by_name.items():
        shop.get(f"form, {name}", MUG, headers=headers)
        shop.get(f"choice, {name}", CHOOSE, headers=headers)
        shop.get(f"unknown, {name}", f"{MUG}-2", headers=headers)
        shop.get(f"in stock, {name}", f"/notify-me/{PREFIX}PARKA-M-RUST", headers=headers)
        shop.post(f"accepted, {name}", MUG, fields, headers)
        sandbox.drill("409")
        sandbox.drill("401")
        shop.post(f"partly accepted, {name}", CHOOSE, {**fields, "variants": BOTH}, headers)
        shop.post(f"no channel, {name}", MUG, {"email": ADDRESS}, headers)
        shop.post(f"two addresses, {name}", MUG, {**fields, "email": f"{ADDRESS}, x"}, headers)
        shop.post(f"too much, {name}", MUG, {**fields, "x": "x" * 20_000}, headers)
        foreign = {**headers, "Sec-Fetch-Site": "cross-site"}
        shop.post(f"another site, {name}", MUG, fields, foreign)
        shop.post(f"back, {name}", f"/notify-me/{PREFIX}PARKA-M-RUST", fields, headers)
        for kind in KINDS:
            if kind not in SLOW_DRILLS:
                # Retry-After is 0, since no other call would be made before it ends
                sandbox.drill(kind, **({"retry_after": 0} if kind == "429" else {}))
                shop.post(f"{kind}, {name}", MUG, fields, headers)
    for kind, seconds in SLOW_DRILLS.items():
        sandbox.drill(kind, times=1, seconds=seconds)
    side_by_side(
        sandbox,
        *(
            partial(shop.post, f"slow {number}", MUG, fields, headers)
            for number, headers in enumerate(SLOW_REQUEST_HEADERS)
        ),
    )
    shop.get("script", "/notify-me/static/notify-me.js")
    shop.get("style", "/notify-me/static/notify-me.css")


@pytest.mark.usefixtures("short_deadline")
def test_neither_key_nor_address_leaks(shop: DrilledShop, sandbox: Sandbox) -> None:
    """Replies, pages, script, log lines of every level, and the database are searched.

    Only the reply to the shopper who has just entered the address contains it.
    """
    _clear_queue(shop)
    everything = {**shop.pages, **shop.forms, **shop.written()}

    assert leaks(everything, shop.key) == []
    assert leaks({**shop.pages, **shop.written()}, ADDRESS) == []

    # the searched content is complete, and the search would find a secret
    drills = [call["drill"] for call in sandbox.requests()]
    assert set(KINDS) - {"cors"} <= set(drills)
    assert all(ADDRESS in str(call["body"]) for call in sandbox.requests())
    assert leaks(shop.forms, ADDRESS) == [*shop.forms]
    assert len(shop.forms) > 20
    assert f"{DATABASE}-wal" in shop.files()
    assert leaks(shop.files(), f"{PREFIX}MUG") != []
    assert any("urllib3" in line for line in shop.lines)
    assert any("notify_me.delivery" in line for line in shop.lines)

    _plant(shop)


def _clear_queue(shop: DrilledShop) -> None:
    """Delete the queue's rows, as a worker does after delivery, and sign up again."""
    assert leaks(shop.files(), ADDRESS) != []
    with closing(sqlite3.connect(shop.folder / DATABASE, isolation_level=None)) as connection:
        for table in ("workflow_input", "workflow_status"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    fields = {"channels": "EMAIL", "email": ADDRESS}
    shop.post("accepted at last", MUG, fields, ELEMENT)


def _plant(shop: DrilledShop) -> None:
    """Check that the search finds a key and an address in logs, pages and the database."""
    planted = {"address": ADDRESS, "key": shop.key}
    for name, secret in planted.items():
        shop.lines.clear()
        logging.getLogger("urllib3.connectionpool").debug("sent with %s", secret)
        assert len(leaks(shop.written(), secret)) == 1
        shop.lines.clear()
        logging.getLogger("notify_me").error("failed", exc_info=ValueError(secret))
        assert len(leaks(shop.written(), secret)) == 1
        shop.lines.clear()

        shop.app.view_functions["notify_me.show"] = lambda composite_id, text=secret: str(
            escape(text)
        )
        shop.get(f"planted {name}", MUG)
        assert leaks(shop.pages, secret) == [f"planted {name}"]

        with closing(sqlite3.connect(shop.folder / DATABASE)) as connection, connection:
            connection.execute("UPDATE notify_me_call SET message = ?", (secret,))
        assert leaks(shop.written(), secret) != []


WRITTEN = {
    "plain": f"to {ADDRESS}.",
    "in capitals": f"to {ADDRESS.upper()}.",
    "in a URL": f"https://shop.example/?x={quote(ADDRESS)}&y=1",
    "in markup": f"<input value='{escape(ADDRESS)}'>",
    **{
        f"in base64, {len(before)} characters in": base64.b64encode(
            f"{before}{ADDRESS} and more".encode()
        ).decode()
        for before in ("", "x", "xx", "xxx")
    },
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_search_finds_every_encoding(written: str) -> None:
    places = {"here": written.encode(), "elsewhere": b"no secret"}

    assert leaks(places, ADDRESS) == ["here"]


def test_form_contains_nothing_from_another_shopper(client: FlaskClient) -> None:
    """After invalid input, the next form of the same process is empty."""
    client.post(MUG, data={"channels": "EMAIL", "email": f"{ADDRESS}, x"})

    assert leaks({"form": client.get(MUG).data}, ADDRESS) == []
