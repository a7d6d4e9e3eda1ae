"""`flask notify-me check`, with each thing broken in turn: the rows and cures in a golden file."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, Response, jsonify, request

from notify_me import CompositeID
from tests.notify_me.offers import settings_file, toml
from tests.notify_me.small_shop import DictCatalog, small_catalog, small_shop
from tests.support import TIMEOUT, Sandbox, eventually, serve

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).with_name("checks.md")
HEAD = """\
# What `flask notify-me check` says

One thing is broken at a time. Only the rows that differ from those of a healthy account are shown.
Renew with `UPDATE_GOLDEN=1 pytest tests/notify_me/check/test_check.py`.
"""
PREFIX = "$custom:::$default:::"
MEDIA_TYPE = "application/vnd.api+json"
NOWHERE = "http://127.0.0.1:9"
ALL_TEXTS = {
    "brand": "Weatherby",
    "terms_of_service_url": "https://shop.example.org/terms",
    "privacy_policy_url": "https://shop.example.org/privacy",
}


def days_ago(days: int) -> str:
    """A revision of that age."""
    return f"{datetime.now(UTC).date() - timedelta(days=days)}"


class Listed(DictCatalog):
    """A catalog that can be listed."""

    def composite_ids(self) -> Iterator[CompositeID]:
        """The kit's optional protocol."""
        yield from self.variants


class Ids:
    """A catalog with IDs alone, made as they are asked for."""

    def __init__(self, *external_ids: str, integration: str = "$custom") -> None:
        self.external_ids = external_ids
        self.integration = integration

    def variant(self, composite_id: CompositeID) -> None:
        """Nothing is shown."""

    def siblings(self, composite_id: CompositeID) -> list[Any]:
        """Nothing is shown."""
        return []

    def composite_ids(self) -> Iterator[CompositeID]:
        """The kit's optional protocol."""
        return (CompositeID(self.integration, "$default", each) for each in self.external_ids)


def api(sandbox: Sandbox, path: str, sent: object) -> None:
    """Write to the sandbox's catalog as a server does."""
    headers = {
        "Authorization": f"Klaviyo-API-Key {sandbox.account.private_key}",
        "Content-Type": MEDIA_TYPE,
        "revision": days_ago(30),
    }
    reply = requests.post(f"{sandbox.url}/api/{path}", json=sent, headers=headers, timeout=20)
    assert reply.ok, reply.text


def bulk(sandbox: Sandbox, noun: str, external_ids: list[str]) -> None:
    """Create items or variants (of the item `all`) by bulk jobs."""
    for start in range(0, len(external_ids), 100):
        made = [_thing(noun, each) for each in external_ids[start : start + 100]]
        job = f"catalog-{noun}-bulk-create-job"
        attributes = {f"{noun}s": {"data": made}}
        api(sandbox, f"{job}s", {"data": {"type": job, "attributes": attributes}})


def _thing(noun: str, external_id: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "external_id": external_id,
        "title": "A thing",
        "description": "Of the shop",
        "url": "https://shop.example.org/",
    }
    made: dict[str, Any] = {"type": f"catalog-{noun}", "attributes": attributes}
    if noun == "variant":
        attributes |= {"sku": external_id, "inventory_quantity": 0, "price": 49}
        item = {"data": {"type": "catalog-item", "id": f"{PREFIX}all"}}
        made["relationships"] = {"item": item}
    return made


def push(sandbox: Sandbox, *external_ids: str) -> None:
    """Put these variants into Klaviyo's catalog."""
    bulk(sandbox, "item", ["all"])
    bulk(sandbox, "variant", list(external_ids))


MINE = [composite_id.external_id for composite_id in small_catalog().variants]


def listed() -> Listed:
    """The small catalog, which can be listed."""
    catalog = Listed()
    catalog.variants = small_catalog().variants
    return catalog


@dataclass(frozen=True)
class Broken:
    """One thing that is wrong: with the account, with the shop's environment, or its catalog."""

    account: Callable[[Sandbox], object] = lambda sandbox: None
    environ: Mapping[str, Any] = field(default_factory=dict)
    catalog: Callable[[], Any] = listed
    known: tuple[str, ...] = tuple(MINE)
    """What Klaviyo's catalog holds."""
    texts: bool = False


def put(name: str, **wanted: Any) -> Callable[[Sandbox], object]:
    """Change a setting of the sandbox's account."""
    return lambda sandbox: sandbox.set(name, **wanted)


def drilled(kind: str, operation: str | None = None, **details: Any) -> Callable[[Sandbox], object]:
    """Make every call fail so, or every one of an operation."""
    return lambda sandbox: sandbox.drill(kind, None, operation=operation, **details)


READS = ["accounts:read", "catalogs:read", "flows:read", "lists:read", "metrics:read"]
WRITES = ["catalogs:write", "profiles:write"]
CASES = {
    "a wrong private key": Broken(environ={"KLAVIYO_PRIVATE_KEY": "pk_" + "0" * 34}),
    "the public key of another account": Broken(environ={"KLAVIYO_PUBLIC_KEY": "OTHER1"}),
    "no public key, in server mode": Broken(environ={"KLAVIYO_PUBLIC_KEY": ""}),
    "client mode without a private key": Broken(
        environ={"NOTIFY_ME_MODE": "client", "KLAVIYO_PRIVATE_KEY": ""}
    ),
    "a key that may only read": Broken(put("account", scopes=READS)),
    "a key without profiles:write": Broken(put("account", scopes=[*READS, "catalogs:write"])),
    "a key with the write scopes alone": Broken(put("account", scopes=WRITES)),
    "a key without consent's scopes, with SMS offered": Broken(
        put("account", scopes=[*READS, *WRITES]), texts=True
    ),
    "scopes that can't be told": Broken(drilled("500", "create_back_in_stock_subscription")),
    "an unknown list": Broken(environ={"KLAVIYO_LIST_ID": "NOLIST"}),
    "no list": Broken(environ={"KLAVIYO_LIST_ID": ""}),
    "a list with double opt-in": Broken(put("list", opt_in_process="double_opt_in")),
    "a deprecated revision": Broken(environ={"KLAVIYO_REVISION": days_ago(400)}),
    "a retired revision": Broken(environ={"KLAVIYO_REVISION": days_ago(800)}),
    "a revision of the future": Broken(environ={"KLAVIYO_REVISION": days_ago(-40)}),
    "a revision that Klaviyo calls retired": Broken(drilled("410")),
    "a manual flow": Broken(put("flow", status="manual")),
    "a draft flow": Broken(put("flow", status="draft")),
    "no flow": Broken(put("flow", status="none")),
    "variants that Klaviyo doesn't know": Broken(known=tuple(MINE[:2])),
    "a catalog of items, as a feed makes it": Broken(
        lambda sandbox: bulk(sandbox, "item", MINE), known=()
    ),
    "Shopify's variants": Broken(catalog=lambda: Ids("39", "40", integration="$shopify")),
    "SKUs for Shopify's variants": Broken(
        catalog=lambda: Ids("39", "PARKA-M", "MUG", integration="$shopify")
    ),
    "Shopify's GIDs": Broken(
        catalog=lambda: Ids("gid://shopify/ProductVariant/39", integration="$shopify")
    ),
    "a shop without variants": Broken(catalog=Ids),
    "a catalog that can't be listed": Broken(catalog=small_catalog),
    "a clock that is two minutes slow": Broken(put("account", date_skew=120)),
    "a clock that is an hour fast": Broken(put("account", date_skew=-3600)),
    "Klaviyo out of reach": Broken(environ={"KLAVIYO_API_URL": NOWHERE}),
    "a connection that is cut": Broken(drilled("drop")),
    "throttled for long": Broken(drilled("429", retry_after=90)),
    "an outage (500)": Broken(drilled("500")),
    "an HTML page instead of Klaviyo": Broken(drilled("html")),
    "lists alone are out": Broken(drilled("503", "get_list")),
    "metrics alone are out": Broken(drilled("html", "get_metrics")),
}


class Shop:
    """Runs the command in a small shop."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox

    def check(self, catalog: Any, *arguments: str, texts: bool = False, **config: Any) -> Any:
        """The command's result."""
        given = {"KLAVIYO_REVISION": days_ago(30), **self.sandbox.environ(), **config}
        if texts:
            text = toml(("EMAIL", "SMS"), "US", **ALL_TEXTS)
            given["NOTIFY_ME_CONFIG"] = settings_file(self.folder, text)
        app = small_shop(self.folder, catalog, **given)
        try:
            return app.test_cli_runner().invoke(args=["notify-me", "check", *arguments])
        finally:
            with app.app_context():
                app.extensions["sqlalchemy"].engine.dispose()

    def rows(self, broken: Broken) -> tuple[int, dict[str, dict[str, str]]]:
        """Exit status and rows by check, with one thing broken."""
        self.sandbox.reset()
        if broken.known:
            push(self.sandbox, *broken.known)
        broken.account(self.sandbox)
        result = self.check(broken.catalog(), "--json", texts=broken.texts, **broken.environ)
        found = json.loads(result.stdout)
        self.look_for_harm(result.output, broken)
        assert found["ok"] is (result.exit_code == 0)
        return result.exit_code, {row["check"]: row for row in found["rows"]}

    def look_for_harm(self, output: str, broken: Broken) -> None:
        """No key was shown, and nobody was created, subscribed or put on a list."""
        assert self.sandbox.account.private_key not in output
        assert "pk_0" not in output
        assert self.sandbox.waiting() == []
        assert self.sandbox.read("profiles") == []
        assert len(self.sandbox.read("catalog")) == len(broken.known)

    def plain(self, text: str) -> str:
        """Without what differs from one run to the next."""
        account = self.sandbox.account
        text = text.replace(account.public_key, "PUBLIC").replace(account.list_id, "LIST")
        text = text.replace(self.sandbox.url, "https://a.klaviyo.com")
        text = re.sub(r"\d{4}-\d\d-\d\d", "YYYY-MM-DD", text)
        return re.sub(r"clock is \d+ s", "clock is N s", text)


@pytest.fixture
def shop(tmp_path: Path, sandbox: Sandbox) -> Iterator[Shop]:
    """The small shop."""
    yield Shop(tmp_path, sandbox)
    sandbox.reset()


def as_markdown(shop: Shop) -> str:
    """The golden file's text."""
    push(shop.sandbox, *MINE)
    healthy = shop.check(listed())
    assert healthy.exit_code == 0
    shop.look_for_harm(healthy.output, Broken())
    _, usual = shop.rows(Broken())
    lines = [HEAD, "## A healthy account", "", "```", shop.plain(healthy.stdout).strip(), "```"]
    for name, broken in CASES.items():
        status, rows = shop.rows(broken)
        lines += ["", f"## With {name}: exit {status}", "", "| | check | message | remedy |"]
        lines += ["|---|---|---|---|"]
        told: dict[tuple[str, ...], list[str]] = {}
        for check, row in rows.items():
            if row != usual[check]:
                told.setdefault((row["verdict"], row["message"], row["remedy"]), []).append(check)
        lines += [
            shop.plain(f"| {verdict} | {', '.join(checks)} | {found} | {cure} |")
            for (verdict, found, cure), checks in told.items()
        ]
    return "\n".join(lines) + "\n"


def test_each_fault_has_its_row_and_its_cure(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told is held fast where a person can read it; nothing is created by asking."""
    # not this terminal's
    monkeypatch.setenv("COLUMNS", "100")
    text = as_markdown(shop)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")

    assert text.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_a_short_throttle_is_waited_out(shop: Shop) -> None:
    """Two runs within a second would meet the limit of Get Accounts."""
    push(shop.sandbox, *MINE)
    shop.sandbox.drill("429", times=2, retry_after=0)

    result = shop.check(listed())

    assert (result.exit_code, "FAIL" in result.stdout) == (0, False)


def test_many_variants_are_asked_for_a_hundred_at_a_time(shop: Shop) -> None:
    """As they stream, with the first ten named of those that Klaviyo lacks."""
    ids = [f"SKU-{number:04}" for number in range(1, 513)]
    push(shop.sandbox, *ids[:500])
    asked_by_then = []

    def calls() -> int:
        made = [each for each in shop.sandbox.requests() if each["method"] == "GET"]
        return sum(each["path"] == "/api/catalog-variants" for each in made)

    class Streamed(Ids):
        def composite_ids(self) -> Iterator[CompositeID]:
            for number, each in enumerate(super().composite_ids()):
                if number % 125 == 124:
                    asked_by_then.append(calls())
                yield each

    result = shop.check(Streamed(*ids), "--json")

    [row] = [row for row in json.loads(result.stdout)["rows"] if row["check"] == "variants"]
    assert (asked_by_then, calls()) == ([1, 2, 3, 4], 6)
    named = ", ".join(f'"{PREFIX}{each}"' for each in ids[500:510])
    assert row["message"] == f"Klaviyo doesn't know 12 of 512: {named}, and 2 more"


def test_long_and_odd_ids_fit_into_an_address(shop: Shop) -> None:
    """Quotes, brackets and letters beyond ASCII arrive as they are, in bounded addresses."""
    ids = [f'{number} "ü",(\\)[{"é" * 100}]' for number in range(30)]
    push(shop.sandbox, *ids)

    result = shop.check(Ids(*ids))

    assert "Klaviyo knows all 30" in result.stdout
    asked = [each for each in shop.sandbox.requests() if each["path"] == "/api/catalog-variants"]
    longest = max(len(each["query"]) for each in asked)
    assert (len(asked) > 1, 4000 < longest < 7000) == (True, True)


def odd_klaviyo(metrics: list[dict[str, Any]]) -> Flask:
    """A Klaviyo with two pages of metrics, and a link to the second on a host that isn't its."""
    app = Flask("odd")

    @app.get("/api/metrics")
    def pages() -> Response:
        if request.args.get("page[cursor]") == "two":
            return jsonify(data=metrics, links={"next": None})
        other = {"id": "A", "type": "metric", "attributes": {"name": "Opened Email"}}
        return jsonify(data=[other], links={"next": f"{NOWHERE}/x?page%5Bcursor%5D=two"})

    @app.get("/api/metrics/BIS/flow-triggers")
    def flows() -> Response:
        draft = {"name": "New one \x1b[2J", "status": "draft"}
        old = {"name": "Old one", "status": "live", "archived": True}
        return jsonify(data=[{"id": "1", "attributes": draft}, {"id": "2", "attributes": old}])

    @app.get("/api/accounts")
    def accounts() -> Response:
        return jsonify(data=[])

    return app


@pytest.mark.parametrize(
    ("metrics", "found"),
    [
        ([], 'the account has no metric "Subscribed to Back in Stock"'),
        (
            [{"id": "BIS", "attributes": {"name": "Subscribed to Back in Stock"}}],
            '"New one \\u001b[2J" is a draft',
        ),
    ],
)
def test_every_page_of_metrics_is_read(
    shop: Shop, metrics: list[dict[str, Any]], found: str
) -> None:
    """By its cursor, at no other address; an archived flow counts for nothing."""
    with serve(odd_klaviyo(metrics)) as url:
        result = shop.check(listed(), "--json", KLAVIYO_API_URL=url)

    rows = {row["check"]: row for row in json.loads(result.stdout)["rows"]}
    assert rows["flow"]["verdict"] == "fail"
    assert rows["flow"]["message"].startswith(found)
    assert rows["public_key"]["message"] == "Klaviyo didn't return the account's public key"


@pytest.mark.process
def test_at_a_terminal_it_says_what_it_waits_for_and_ctrl_c_ends_it(
    shop: Shop, sandbox: Sandbox
) -> None:
    """At once, though a call is under way, and without a traceback."""
    sandbox.drill("slow", None, seconds=60)
    config: dict[str, Any] = {**sandbox.environ(), "KLAVIYO_REVISION": days_ago(30)}
    small_shop(shop.folder, small_catalog(), **config)
    ours, theirs = pty.openpty()
    command = ["-m", "flask", "--app", "tests.notify_me.small_shop:from_environ"]
    with subprocess.Popen(
        [sys.executable, *command, "notify-me", "check"],
        cwd=ROOT,
        env={**os.environ, "SMALL_SHOP": json.dumps([str(shop.folder), config])},
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        told = b""
        while "Asking Klaviyo: account …".encode() not in told:
            told += os.read(ours, 1000)
        eventually(sandbox.requests)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 130
        assert process.stdout is not None
        assert process.stdout.read() == b""
    told = os.read(ours, 1000)
    os.close(ours)
    assert b"Stopped." in told
    assert b"Traceback" not in told
