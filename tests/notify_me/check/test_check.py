"""`flask notify-me check`, with one fault at a time: its rows are in a golden file."""

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
from click.testing import Result
from flask import Flask, Response, jsonify, request

from notify_me import CompositeID
from tests.notify_me.offers import settings_file, toml
from tests.notify_me.small_shop import DictCatalog, engine_of, small_catalog, small_shop
from tests.support import TIMEOUT, Sandbox, eventually, serve

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).with_name("checks.md")
HEAD = """\
# What `flask notify-me check` says

There is one fault at a time, and only the rows that differ from a healthy account's are shown.
Update with `UPDATE_GOLDEN=1 pytest tests/notify_me/check/test_check.py`.
"""
PREFIX = "$custom:::$default:::"
UNREACHABLE = "http://127.0.0.1:9"
CONSENT = {
    "brand": "Weatherby",
    "terms_of_service_url": "https://shop.example.org/terms",
    "privacy_policy_url": "https://shop.example.org/privacy",
}


def days_ago(days: int) -> str:
    """Return the name of a revision that is this old."""
    return f"{datetime.now(UTC).date() - timedelta(days=days)}"


class Listed(DictCatalog):
    """A catalog that can list its variants."""

    def composite_ids(self) -> Iterator[CompositeID]:
        """Yield the ID of every variant, as the kit's optional protocol says."""
        yield from self.variants


class Ids:
    """A catalog of IDs, which are created as they are iterated over."""

    def __init__(self, *external_ids: str, integration: str = "$custom") -> None:
        self.external_ids = external_ids
        self.integration = integration

    def variant(self, composite_id: CompositeID) -> None:
        """Not used by the check."""

    def siblings(self, composite_id: CompositeID) -> list[Any]:
        """Not used by the check."""
        return []

    def composite_ids(self) -> Iterator[CompositeID]:
        """Yield the ID of every variant, as the kit's optional protocol says."""
        for external_id in self.external_ids:
            yield CompositeID(self.integration, "$default", external_id)


def create_in_catalog(sandbox: Sandbox, kind: str, external_ids: list[str]) -> None:
    """Create items, or variants of the item `all`, by bulk jobs."""
    job = f"catalog-{kind}-bulk-create-job"
    headers = {
        "Authorization": f"Klaviyo-API-Key {sandbox.account.private_key}",
        "Content-Type": "application/vnd.api+json",
        "revision": days_ago(30),
    }
    for start in range(0, len(external_ids), 100):
        batch = external_ids[start : start + 100]
        resources = [_resource(kind, external_id) for external_id in batch]
        body = {"data": {"type": job, "attributes": {f"{kind}s": {"data": resources}}}}
        url = f"{sandbox.url}/api/{job}s"
        response = requests.post(url, json=body, headers=headers, timeout=TIMEOUT)
        assert response.ok, response.text


def _resource(kind: str, external_id: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "external_id": external_id,
        "title": "A product",
        "description": "From the shop",
        "url": "https://shop.example.org/",
    }
    resource: dict[str, Any] = {"type": f"catalog-{kind}", "attributes": attributes}
    if kind == "variant":
        attributes |= {"sku": external_id, "inventory_quantity": 0, "price": 49}
        item = {"type": "catalog-item", "id": f"{PREFIX}all"}
        resource["relationships"] = {"item": {"data": item}}
    return resource


def push(sandbox: Sandbox, *external_ids: str) -> None:
    """Create these variants in Klaviyo's catalog."""
    create_in_catalog(sandbox, "item", ["all"])
    create_in_catalog(sandbox, "variant", list(external_ids))


SKUS = [composite_id.external_id for composite_id in small_catalog().variants]


def listed() -> Listed:
    """Return the small catalog, which can be listed."""
    catalog = Listed()
    catalog.variants = small_catalog().variants
    return catalog


@dataclass(frozen=True)
class Case:
    """A fault: in the account, the shop's environment, or its catalog."""

    account: Callable[[Sandbox], object] = lambda sandbox: None
    environ: Mapping[str, Any] = field(default_factory=dict)
    catalog: Callable[[], Any] = listed
    known: tuple[str, ...] = tuple(SKUS)
    """The variants that Klaviyo has."""
    offers_sms: bool = False


def put(name: str, **values: Any) -> Callable[[Sandbox], object]:
    """Return a function that changes a setting of the sandbox's account."""
    return lambda sandbox: sandbox.set(name, **values)


def failing(kind: str, operation: str | None = None, **details: Any) -> Callable[[Sandbox], object]:
    """Return a function that makes every call fail this way, or every call of an operation."""
    return lambda sandbox: sandbox.drill(kind, None, operation=operation, **details)


READS = ["accounts:read", "catalogs:read", "flows:read", "lists:read", "metrics:read"]
WRITES = ["catalogs:write", "profiles:write"]
CASES = {
    "a wrong private key": Case(environ={"KLAVIYO_PRIVATE_KEY": "pk_" + "0" * 34}),
    "the public key of another account": Case(environ={"KLAVIYO_PUBLIC_KEY": "OTHER1"}),
    "no public key, in server mode": Case(environ={"KLAVIYO_PUBLIC_KEY": ""}),
    "client mode without a private key": Case(
        environ={"NOTIFY_ME_MODE": "client", "KLAVIYO_PRIVATE_KEY": ""}
    ),
    "a key that has only read scopes": Case(put("account", scopes=READS)),
    "a key that has only write scopes": Case(put("account", scopes=WRITES)),
    "a key without the scopes for consent, with SMS offered": Case(
        put("account", scopes=[*READS, *WRITES]), offers_sms=True
    ),
    "scopes that can't be tested": Case(failing("500", "create_back_in_stock_subscription")),
    "an unknown list": Case(environ={"KLAVIYO_LIST_ID": "NOLIST"}),
    "no list": Case(environ={"KLAVIYO_LIST_ID": ""}),
    "a list with double opt-in": Case(put("list", opt_in_process="double_opt_in")),
    "a deprecated revision": Case(environ={"KLAVIYO_REVISION": days_ago(400)}),
    "a retired revision": Case(environ={"KLAVIYO_REVISION": days_ago(800)}),
    "a revision in the future": Case(environ={"KLAVIYO_REVISION": days_ago(-40)}),
    "a manual flow": Case(put("flow", status="manual")),
    "a draft flow": Case(put("flow", status="draft")),
    "no flow": Case(put("flow", status="none")),
    "variants that Klaviyo doesn't have": Case(known=tuple(SKUS[:2])),
    "a catalog that a feed has filled with items only": Case(
        lambda sandbox: create_in_catalog(sandbox, "item", SKUS), known=()
    ),
    "Shopify's variant IDs": Case(catalog=lambda: Ids("39", "40", integration="$shopify")),
    "SKUs instead of Shopify's variant IDs": Case(
        catalog=lambda: Ids("39", "PARKA-M", "MUG", integration="$shopify")
    ),
    "Shopify's global IDs (GIDs)": Case(
        catalog=lambda: Ids("gid://shopify/ProductVariant/39", integration="$shopify")
    ),
    "a shop without variants": Case(catalog=Ids),
    "a catalog that can't be listed": Case(catalog=small_catalog),
    "a clock that is two minutes slow": Case(put("account", date_skew=120)),
    "a clock that is an hour fast": Case(put("account", date_skew=-3600)),
    "Klaviyo unreachable": Case(environ={"KLAVIYO_API_URL": UNREACHABLE}),
    "a long Retry-After": Case(failing("429", retry_after=90)),
    "an outage (500)": Case(failing("500")),
    "a web page instead of JSON": Case(failing("html")),
    "metrics that can't be read": Case(failing("html", "get_metrics")),
}


class Shop:
    """A small shop in which the command is run."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox

    def check(
        self, catalog: Any, *arguments: str, offers_sms: bool = False, **config: Any
    ) -> Result:
        """Run the command."""
        config = {"KLAVIYO_REVISION": days_ago(30), **self.sandbox.environ(), **config}
        if offers_sms:
            settings = toml(("EMAIL", "SMS"), "US", **CONSENT)
            config["NOTIFY_ME_CONFIG"] = settings_file(self.folder, settings)
        app = small_shop(self.folder, catalog, **config)
        try:
            return app.test_cli_runner().invoke(args=["notify-me", "check", *arguments])
        finally:
            engine_of(app).dispose()

    def rows(self, case: Case) -> tuple[int, dict[str, dict[str, str]]]:
        """Return the exit status and rows of a case, after checking that nothing changed."""
        self.sandbox.reset()
        if case.known:
            push(self.sandbox, *case.known)
        case.account(self.sandbox)
        result = self.check(case.catalog(), "--json", offers_sms=case.offers_sms, **case.environ)
        report = json.loads(result.stdout)
        assert self.sandbox.account.private_key not in result.output
        assert "pk_0" not in result.output
        assert self.sandbox.waiting() == self.sandbox.read("profiles") == []
        assert len(self.sandbox.read("catalog")) == len(case.known)
        assert report["ok"] is (result.exit_code == 0)
        return result.exit_code, {row["check"]: row for row in report["rows"]}

    def stable(self, text: str) -> str:
        """Return the text without the parts that differ from run to run."""
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
    """Return the golden file's text."""
    status, usual = shop.rows(Case())
    assert status == 0
    # a second check within a second of the first would be throttled
    shop.sandbox.reset()
    push(shop.sandbox, *SKUS)
    table = shop.stable(shop.check(listed()).stdout).strip()
    lines = [HEAD, "## A healthy account", "", "```", table, "```"]
    for name, case in CASES.items():
        status, rows = shop.rows(case)
        lines += ["", f"## With {name}: exit {status}", "", "| | check | message | remedy |"]
        lines += ["|---|---|---|---|"]
        checks: dict[tuple[str, ...], list[str]] = {}
        for check, row in rows.items():
            if row != usual[check]:
                key = row["verdict"], row["message"], row["remedy"]
                checks.setdefault(key, []).append(check)
        lines += [
            shop.stable(f"| {verdict} | {', '.join(names)} | {message} | {remedy} |")
            for (verdict, message, remedy), names in checks.items()
        ]
    return "\n".join(lines) + "\n"


def test_each_fault_has_its_row_and_remedy(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # the width of the table, not of this terminal
    monkeypatch.setenv("COLUMNS", "100")
    text = as_markdown(shop)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")

    assert text.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_check_waits_for_a_short_retry_after(shop: Shop) -> None:
    push(shop.sandbox, *SKUS)
    shop.sandbox.drill("429", times=2, retry_after=0)

    result = shop.check(listed())

    assert (result.exit_code, "FAIL" in result.stdout) == (0, False)


def reads_of_variants(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the calls of Get Catalog Variants."""
    return [call for call in sandbox.requests() if call["path"] == "/api/catalog-variants"]


def test_variants_are_compared_in_batches_of_a_hundred(shop: Shop) -> None:
    """Klaviyo is asked about each batch while the shop's catalog is still being read. The message
    names the first ten unknown variants.
    """
    ids = [f"SKU-{number:03}" for number in range(1, 263)]
    push(shop.sandbox, *ids[:250])
    reads = []

    class Streamed(Ids):
        def composite_ids(self) -> Iterator[CompositeID]:
            for number, composite_id in enumerate(super().composite_ids()):
                if number in (100, 101, 201):
                    reads.append(len(reads_of_variants(shop.sandbox)))
                yield composite_id

    result = shop.check(Streamed(*ids), "--json")

    [row] = [row for row in json.loads(result.stdout)["rows"] if row["check"] == "variants"]
    assert (reads, len(reads_of_variants(shop.sandbox))) == ([0, 1, 2], 3)
    names = ", ".join(f'"{PREFIX}{external_id}"' for external_id in ids[250:260])
    assert row["message"] == f"12 of 262 are not in Klaviyo's catalog: {names}, and 2 more"


def test_batches_of_long_ids_fit_into_a_url(shop: Shop) -> None:
    """Quotes, brackets and letters beyond ASCII arrive unchanged, in URLs of limited length."""
    ids = [f'{number} "ü",(\\)[{"é" * 100}]' for number in range(30)]
    push(shop.sandbox, *ids)

    result = shop.check(Ids(*ids))

    assert "all 30 are in Klaviyo's catalog" in result.stdout
    reads = reads_of_variants(shop.sandbox)
    longest = max(len(call["query"]) for call in reads)
    assert (len(reads) > 1, 4000 < longest < 7000) == (True, True)


def paged_klaviyo(metrics: list[dict[str, Any]]) -> Flask:
    """Return a Klaviyo with two pages of metrics, whose link to the second names another host."""
    app = Flask("klaviyo")

    @app.get("/api/metrics")
    def pages() -> Response:
        if request.args.get("page[cursor]") == "two":
            return jsonify(data=metrics, links={"next": None})
        other = {"id": "A", "type": "metric", "attributes": {"name": "Opened Email"}}
        return jsonify(data=[other], links={"next": f"{UNREACHABLE}/x?page%5Bcursor%5D=two"})

    @app.get("/api/metrics/BIS/flow-triggers")
    def flows() -> Response:
        draft = {"name": "New one \x1b[2J", "status": "draft"}
        archived = {"name": "Old one", "status": "live", "archived": True}
        return jsonify(data=[{"id": "1", "attributes": draft}, {"id": "2", "attributes": archived}])

    @app.get("/api/accounts")
    def accounts() -> Response:
        return jsonify(data=[])

    return app


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([], 'the account has no metric "Subscribed to Back in Stock"'),
        (
            [{"id": "BIS", "attributes": {"name": "Subscribed to Back in Stock"}}],
            '"New one \\u001b[2J" is a draft',
        ),
    ],
)
def test_all_pages_of_metrics_are_read_from_the_same_host(
    shop: Shop, metrics: list[dict[str, Any]], message: str
) -> None:
    with serve(paged_klaviyo(metrics)) as url:
        result = shop.check(listed(), "--json", KLAVIYO_API_URL=url)

    rows = {row["check"]: row for row in json.loads(result.stdout)["rows"]}
    assert rows["flow"]["verdict"] == "fail"
    assert rows["flow"]["message"].startswith(message)
    assert rows["public_key"]["message"] == "Klaviyo didn't return the account's public key"


@pytest.mark.process
def test_terminal_shows_progress_and_ctrl_c_ends_the_check_at_once(
    shop: Shop, sandbox: Sandbox
) -> None:
    sandbox.drill("slow", None, seconds=60)
    config: dict[str, Any] = {**sandbox.environ(), "KLAVIYO_REVISION": days_ago(30)}
    small_shop(shop.folder, small_catalog(), **config)
    controller, terminal = pty.openpty()
    command = ["-m", "flask", "--app", "tests.notify_me.small_shop:from_environ"]
    with subprocess.Popen(
        [sys.executable, *command, "notify-me", "check"],
        cwd=ROOT,
        env={**os.environ, "SMALL_SHOP": json.dumps([str(shop.folder), config])},
        stdout=subprocess.PIPE,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        output = b""
        while "Checking: account …".encode() not in output:
            output += os.read(controller, 1000)
        eventually(sandbox.requests)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 130
        assert process.stdout is not None
        assert process.stdout.read() == b""
    output = os.read(controller, 1000)
    os.close(controller)
    assert b"Stopped." in output
    assert b"Traceback" not in output
