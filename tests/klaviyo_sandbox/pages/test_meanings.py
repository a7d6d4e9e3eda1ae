"""The explanations of every simulated and every real failure, compared with a reviewed file."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from klaviyo_sandbox.operations.operation import Side
from klaviyo_sandbox.protocol.failures import KINDS
from klaviyo_sandbox.serving.api import OPERATIONS
from tests.klaviyo_sandbox.conftest import (
    BROWSER_OPERATION,
    BROWSER_PATH,
    EMAIL,
    PHONE,
    SERVER_OPERATION,
    SHOP,
    RunningSandbox,
    body,
    consent_to,
    item_body,
    job_body,
    person,
    update_body,
    variant_body,
    with_value,
    without,
)
from tests.support import eventually

GOLDEN = Path(__file__).with_name("meanings.md")
HEAD = """\
# Explanations of requests

Each request's page explains what happened and what to do. Update this file with
`UPDATE_GOLDEN=1 pytest tests/klaviyo_sandbox/pages/test_meanings.py`.
"""
ATTRIBUTES = ("data", "attributes")
CONSENT = (*ATTRIBUTES, "profiles", "data")


def table(title: str, columns: str, rows: Iterator[tuple[Any, ...]]) -> str:
    """Return one table of the file, with its heading."""
    names = columns.split(", ")
    lines = [f"| {' | '.join(map(str, row))} |" for row in (names, ["---"] * len(names), *rows)]
    return "\n".join([f"\n## {title}", "", *lines, ""])


def explanation(sandbox: RunningSandbox) -> tuple[str, str]:
    """Return the status and the explanation of the last call, from its page."""
    # A client can have the whole reply before the call is recorded as finished.
    eventually(lambda: sandbox.read("requests")[-1]["finished"])
    entry = sandbox.read("requests")[-1]
    page = sandbox.page(f"/requests/{entry['id']}")
    [sentence] = re.findall(r"What it means</h2>\s*<p>([^<]+)</p>", page)
    return str(entry["status"] or "none"), html.unescape(sentence)


def attempt(call: Callable[[], Any]) -> None:
    """Make a call that may get no reply."""
    try:
        call()
    except requests.RequestException:
        return


def preflight(sandbox: RunningSandbox) -> requests.Response:
    """Send a preflight."""
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    return sandbox.request("OPTIONS", BROWSER_PATH, headers=headers)


def simulated_failures(sandbox: RunningSandbox) -> Iterator[tuple[Any, ...]]:
    """Yield each kind of simulated failure, for sign-ups from a server and a browser."""
    both = body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE)
    for kind in KINDS:
        calls: dict[str, Callable[[], Any]] = {
            SERVER_OPERATION: lambda: sandbox.server_call(both),
            BROWSER_OPERATION: lambda: sandbox.browser_call(both),
        }
        if kind == "cors":
            calls = {BROWSER_OPERATION: lambda: preflight(sandbox)}
        rows = []
        for operation, call in calls.items():
            sandbox.reset()
            sandbox.drill(kind, seconds=0, operation=operation)
            attempt(call)
            rows.append((operation, *explanation(sandbox)))
        if len({row[1:] for row in rows}) == 1 and len(rows) > 1:
            yield kind, "a sign-up from either side", *rows[0][1:]
        else:
            yield from ((kind, *row) for row in rows)


def missing_scopes(sandbox: RunningSandbox) -> Iterator[tuple[Any, ...]]:
    """Yield each server-side operation and the explanation of its missing scopes."""
    for operation in OPERATIONS:
        if operation.side is Side.SERVER:
            sandbox.reset()
            sandbox.drill("403", operation=operation.name)
            path = operation.path.removeprefix("/api/").replace("{", "").replace("}", "")
            sandbox.api(operation.method, path)
            yield operation.name, explanation(sandbox)[1]


def failures(sandbox: RunningSandbox) -> dict[str, Callable[[], Any]]:
    """Return calls that fail without being simulated, by what is wrong."""
    server, browser, api = sandbox.server_call, sandbox.browser_call, sandbox.api
    profile = (*ATTRIBUTES, "profile")
    consent = sandbox.job()
    no_identifier = with_value(body(), *profile, "data", "attributes", value={})
    unknown_attribute = with_value(body(), *ATTRIBUTES, "colour", value="x")
    wrong_item = with_value(
        variant_body(), "data", "relationships", "item", "data", "id", value="jacket"
    )
    no_item = without(variant_body(), "data", "relationships", "item", "data")
    no_list = with_value(consent, "data", "relationships", "list", "data", "id", value="NOLIST")
    no_data = without(consent, "data", "relationships", "list", "data")
    dated_consent = person(consent_to("email", consented_at="2026-01-01T00:00:00Z"))
    bad_birth_date = person()
    bad_birth_date["attributes"]["age_gated_date_of_birth"] = "long ago"
    unsupported = person(consent_to("sms"), phone_number="+905012345678")
    return {
        "no private key": lambda: server(Authorization=None),
        "the wrong private key": lambda: server(Authorization="Klaviyo-API-Key pk_wrong"),
        "the wrong company ID": lambda: browser(company_id="WRONG1"),
        "a private key in a browser": lambda: browser(company_id=sandbox.account.private_key),
        "no revision": lambda: server(revision=None),
        "a revision in the future": lambda: server(revision="2027-01-15"),
        "a retired revision": lambda: server(
            revision="2023-07-15", X_Klaviyo_Revision_Fall_Forward_Opt_Out="1"
        ),
        "the wrong method": lambda: api("DELETE", "catalog-items"),
        "the wrong path": lambda: api("GET", "catalog-categories"),
        "the wrong Content-Type": lambda: server(Content_Type="text/plain"),
        "invalid JSON": lambda: server(b"{"),
        "a large body": lambda: server(b"x" * 1_000_001),
        "no email address": lambda: server(with_value(body(), *profile, "data", "attributes",
                                                  value={"phone_number": PHONE})),
        "a bad email address": lambda: server(body(email="ada")),
        "a bad phone number": lambda: server(body(channels=["SMS"], phone_number="+1555")),
        "no identifier": lambda: server(no_identifier),
        "no profile": lambda: server(without(body(), *profile)),
        "no channel": lambda: server(body(channels=[])),
        "a repeated channel": lambda: server(body(channels=["EMAIL", "EMAIL"])),
        "an unknown channel": lambda: server(body(channels=["FAX"])),
        "PUSH": lambda: server(body(channels=["PUSH"])),
        "WHATSAPP with an old revision": lambda: server(
            body(channels=["WHATSAPP"], phone_number=PHONE), revision="2025-10-15"
        ),
        "a malformed composite ID": lambda: server(body(variant="jacket")),
        "no variant": lambda: server(without(body(), "data", "relationships")),
        "no item": lambda: api(
            "POST", "catalog-variants", without(variant_body(), "data", "relationships")
        ),
        "an unknown variant": lambda: server(body(variant="$custom:::$default:::no")),
        "an unknown attribute": lambda: server(unknown_attribute),
        "an unknown attribute of a profile": lambda: server(body(email=EMAIL, title="x")),
        "an unknown list": lambda: sandbox.subscribe(sent=no_list),
        "a list without data": lambda: sandbox.subscribe(sent=no_data),
        "no list from a browser": lambda: sandbox.client_subscribe(
            sent=without(sandbox.client_subscription(), "data", "relationships")
        ),
        "no profiles": lambda: sandbox.subscribe(sent=with_value(consent, *CONSENT, value=[])),
        "no consent": lambda: sandbox.subscribe(
            sent=with_value(consent, *CONSENT, value=[person({})])
        ),
        "a channel without a purpose": lambda: sandbox.subscribe(person({"email": {}})),
        "an invalid value of consent": lambda: sandbox.subscribe(
            sent=with_value(consent, *CONSENT, value=[
                person({"email": {"marketing": {"consent": "UNSUBSCRIBED"}}})
            ])
        ),
        "consent to PUSH": lambda: sandbox.subscribe(person(consent_to("push"))),
        "an unexpected time of consent": lambda: sandbox.subscribe(dated_consent),
        "a bad date of birth": lambda: sandbox.subscribe(bad_birth_date),
        "SMS to an unsupported region": lambda: sandbox.subscribe(unsupported),
        "reading an unknown list": lambda: api("GET", "lists/NOLIST"),
        "an unknown parameter": lambda: api("GET", "lists?colour=red"),
        "a bad filter": lambda: api("GET", "lists?filter=red"),
        "a bad cursor": lambda: api("GET", "lists?page[cursor]=x"),
        "a page size that is too large": lambda: api("GET", "lists?page[size]=11"),
        "an unknown item": lambda: api("GET", "catalog-items/x"),
        "reading an unknown variant": lambda: api("GET", "catalog-variants/x"),
        "an unknown metric": lambda: api("GET", "metrics/x/flow-triggers"),
        "an unknown job": lambda: api("GET", "catalog-item-bulk-create-jobs/x"),
        "a duplicate item": lambda: api("POST", "catalog-items", item_body()),
        "a duplicate variant": lambda: api("POST", "catalog-variants", variant_body()),
        "a variant of an unknown item": lambda: api("POST", "catalog-variants", wrong_item),
        "a variant without its item's data": lambda: api("POST", "catalog-variants", no_item),
        "an item without attributes": lambda: api(
            "POST", "catalog-items", without(item_body(), *ATTRIBUTES)
        ),
        "an item with its own ID": lambda: api(
            "POST", "catalog-items", with_value(item_body("x"), "data", "id", value="x")
        ),
        "an item without a title": lambda: api("POST", "catalog-items", item_body("x", title="")),
        "an item without an external ID": lambda: api(
            "POST", "catalog-items", item_body(" ", title="x")
        ),
        "an invalid URL": lambda: api("POST", "catalog-items", item_body("x", url="x")),
        "an invalid image URL": lambda: api(
            "POST", "catalog-items", item_body("x", image_full_url="x")
        ),
        "another catalog": lambda: api("POST", "catalog-items", item_body("x", catalog_type="x")),
        "another integration": lambda: api(
            "POST", "catalog-items", item_body("x", integration_type="$wix")
        ),
        "another ID in the body": lambda: api(
            "PATCH", "catalog-variants/$custom:::$default:::jacket-m", update_body("x")
        ),
        "an empty job": lambda: api(
            "POST", "catalog-item-bulk-create-jobs", job_body("create", "items")
        ),
        "too many calls": lambda: [api("GET", "accounts") for _ in range(2)],
    }  # fmt: skip


def successes(sandbox: RunningSandbox) -> dict[str, Callable[[], Any]]:
    """Return calls that succeed."""
    api = sandbox.api
    one_more = job_body("create", "items", item_body("coat"))
    return {
        "a sign-up": sandbox.server_call,
        "a repeated sign-up": sandbox.server_call,
        "consent": sandbox.subscribe,
        "a preflight": lambda: preflight(sandbox),
        "a restock": lambda: sandbox.stock("jacket-m", 3),
        "an item": lambda: api("POST", "catalog-items", item_body("hat")),
        "a job": lambda: api("POST", "catalog-item-bulk-create-jobs", one_more),
        "reading items": lambda: api("GET", "catalog-items"),
        "reading the account": lambda: api("GET", "accounts"),
        "reading the list": lambda: api("GET", f"lists/{sandbox.account.list_id}"),
        "reading metrics": lambda: api("GET", "metrics"),
        "reading a metric's flows": lambda: api("GET", "metrics/SBMET1/flow-triggers"),
        "reading flows": lambda: api("GET", "flows"),
    }


def explained(
    sandbox: RunningSandbox, calls: dict[str, Callable[[], Any]]
) -> Iterator[tuple[Any, ...]]:
    """Yield the explanation of each call."""
    for title, call in calls.items():
        # reading a long list of requests takes most of the test's time
        sandbox.clear_requests()
        call()
        entry = sandbox.read("requests")[-1]
        status, sentence = explanation(sandbox)
        yield title, entry["operation"] or "none", status, sentence
        sandbox.clock.move(60)


def test_explanations_match_the_reviewed_file(sandbox: RunningSandbox) -> None:
    """UPDATE_GOLDEN=1 rewrites the reviewed file."""
    text = HEAD + table(
        "Simulated failures", "kind, call, status, explanation", simulated_failures(sandbox)
    )
    text += table(
        "Missing scopes",
        "operation, explanation",
        missing_scopes(sandbox),
    )
    sandbox.reset()
    sandbox.add("jacket-m")
    columns = "operation, status, explanation"
    text += table("Real failures", f"problem, {columns}", explained(sandbox, failures(sandbox)))
    text += table("Successful calls", f"call, {columns}", explained(sandbox, successes(sandbox)))

    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")

    assert text.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()
    # Only these may get the explanation for unexpected errors.
    unexpected = [row.split(" | ")[0] for row in text.splitlines() if "Klaviyo's schema" in row]
    assert unexpected == [
        "| 400-unknown-pointer",
        "| an unknown attribute",
        "| an unknown attribute of a profile",
        "| an item without attributes",
        "| an item with its own ID",
    ]
