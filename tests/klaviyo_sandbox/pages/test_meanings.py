"""What the inspector says of each drill and of each real failure, held fast in a golden file."""

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
    Running,
    body,
    consent_to,
    having,
    item_body,
    job_body,
    person,
    update_body,
    variant_body,
    without,
)

GOLDEN = Path(__file__).with_name("meanings.md")
HEAD = """\
# What the inspector says

A request's page tells in a sentence what happened and what to do. Renew this file with
`UPDATE_GOLDEN=1 pytest tests/klaviyo_sandbox/pages/test_meanings.py`.
"""
ATTRIBUTES = ("data", "attributes")
CONSENT = (*ATTRIBUTES, "profiles", "data")


def table(title: str, columns: str, rows: Iterator[tuple[Any, ...]]) -> str:
    """Return one table of the file, with its heading."""
    names = columns.split(", ")
    lines = [f"| {' | '.join(map(str, row))} |" for row in (names, ["---"] * len(names), *rows)]
    return "\n".join([f"\n## {title}", "", *lines, ""])


def said(sandbox: Running) -> tuple[str, str]:
    """Return the last call's status and sentence, as its page has them."""
    entry = sandbox.read("requests")[-1]
    page = sandbox.ask("GET", f"/requests/{entry['id']}").text
    [sentence] = re.findall(r"What it means</h2>\s*<p>([^<]+)</p>", page)
    return str(entry["status"] or "none"), html.unescape(sentence)


def attempt(call: Callable[[], Any]) -> None:
    """Make a call that may end without a reply."""
    try:
        call()
    except requests.RequestException:
        return


def preflight(sandbox: Running) -> requests.Response:
    """Ask whether a browser may call."""
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    return sandbox.ask("OPTIONS", BROWSER_PATH, headers=headers)


def drilled(sandbox: Running) -> Iterator[tuple[Any, ...]]:
    """Yield each kind of drill, on a sign-up from a server and from a browser."""
    both = body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE)
    for kind in KINDS:
        calls: dict[str, Callable[[], Any]] = {
            SERVER_OPERATION: lambda: sandbox.server_call(both),
            BROWSER_OPERATION: lambda: sandbox.browser_call(both),
        }
        if kind == "cors":
            calls = {BROWSER_OPERATION: lambda: preflight(sandbox)}
        told = []
        for operation, call in calls.items():
            sandbox.ask("POST", "/_sandbox/reset")
            sandbox.drill(kind, seconds=0, operation=operation)
            attempt(call)
            told.append((operation, *said(sandbox)))
        if len({row[1:] for row in told}) == 1 and len(told) > 1:
            yield kind, "a sign-up from either side", *told[0][1:]
        else:
            yield from ((kind, *row) for row in told)


def without_a_scope(sandbox: Running) -> Iterator[tuple[Any, ...]]:
    """Yield each operation of a server's, refused for want of a scope."""
    for operation in OPERATIONS:
        if operation.side is Side.SERVER:
            sandbox.drill("403", operation=operation.name)
            path = operation.path.removeprefix("/api/").replace("{", "").replace("}", "")
            sandbox.api(operation.method, path)
            yield operation.name, said(sandbox)[1]


def failures(sandbox: Running) -> dict[str, Callable[[], Any]]:
    """Return each way to fail without a drill, by what is wrong."""
    server, browser, api = sandbox.server_call, sandbox.browser_call, sandbox.api
    profile = (*ATTRIBUTES, "profile")
    consent = sandbox.job()
    nobody = having(body(), *profile, "data", "attributes", value={})
    wrong_item = having(
        variant_body(), "data", "relationships", "item", "data", "id", value="jacket"
    )
    no_item = without(variant_body(), "data", "relationships", "item", "data")
    no_list = having(consent, "data", "relationships", "list", "data", "id", value="NOLIST")
    no_data = without(consent, "data", "relationships", "list", "data")
    late = person(consent_to("email", consented_at="2026-01-01T00:00:00Z"))
    born = person()
    born["attributes"]["age_gated_date_of_birth"] = "long ago"
    turkish = person(consent_to("sms"), phone_number="+905012345678")
    return {
        "no private key": lambda: server(Authorization=None),
        "the wrong private key": lambda: server(Authorization="Klaviyo-API-Key pk_wrong"),
        "the wrong company ID": lambda: browser(company_id="WRONG1"),
        "a private key in a browser": lambda: browser(company_id=sandbox.account.private_key),
        "no revision": lambda: server(revision=None),
        "a revision to come": lambda: server(revision="2027-01-15"),
        "a retired revision": lambda: server(
            revision="2023-07-15", X_Klaviyo_Revision_Fall_Forward_Opt_Out="1"
        ),
        "the wrong method": lambda: api("DELETE", "catalog-items"),
        "the wrong path": lambda: api("GET", "catalog-categories"),
        "the wrong Content-Type": lambda: server(Content_Type="application/json"),
        "no JSON": lambda: server(b"{"),
        "a body that is too large": lambda: server(b"x" * 1_000_001),
        "no email address": lambda: server(having(body(), *profile, "data", "attributes",
                                                  value={"phone_number": PHONE})),
        "a bad email address": lambda: server(body(email="ada")),
        "a bad phone number": lambda: server(body(channels=["SMS"], phone_number="+1555")),
        "no identifier": lambda: server(nobody),
        "no profile": lambda: server(without(body(), *profile)),
        "no channel": lambda: server(body(channels=[])),
        "a repeated channel": lambda: server(body(channels=["EMAIL", "EMAIL"])),
        "an unknown channel": lambda: server(body(channels=["FAX"])),
        "PUSH": lambda: server(body(channels=["PUSH"])),
        "WHATSAPP too early": lambda: server(
            body(channels=["WHATSAPP"], phone_number=PHONE), revision="2025-10-15"
        ),
        "a malformed composite ID": lambda: server(body(variant="jacket")),
        "no variant": lambda: server(without(body(), "data", "relationships")),
        "no item": lambda: api(
            "POST", "catalog-variants", without(variant_body(), "data", "relationships")
        ),
        "an unknown variant": lambda: server(body(variant="$custom:::$default:::no")),
        "an unknown attribute": lambda: server(having(body(), *ATTRIBUTES, "colour", value="x")),
        "an unknown list": lambda: sandbox.subscribe(sent=no_list),
        "a list without data": lambda: sandbox.subscribe(sent=no_data),
        "no list from a browser": lambda: sandbox.client_subscribe(
            sent=without(sandbox.client_subscription(), "data", "relationships")
        ),
        "no profiles": lambda: sandbox.subscribe(sent=having(consent, *CONSENT, value=[])),
        "no consent": lambda: sandbox.subscribe(
            sent=having(consent, *CONSENT, value=[person({})])
        ),
        "another consent": lambda: sandbox.subscribe(
            sent=having(consent, *CONSENT, value=[
                person({"email": {"marketing": {"consent": "UNSUBSCRIBED"}}})
            ])
        ),
        "consent to PUSH": lambda: sandbox.subscribe(person(consent_to("push"))),
        "a time of consent": lambda: sandbox.subscribe(late),
        "a bad date of birth": lambda: sandbox.subscribe(born),
        "SMS to an unsupported region": lambda: sandbox.subscribe(turkish),
        "a list that isn't there": lambda: api("GET", "lists/NOLIST"),
        "an unknown parameter": lambda: api("GET", "lists?colour=red"),
        "a bad filter": lambda: api("GET", "lists?filter=red"),
        "a bad cursor": lambda: api("GET", "lists?page[cursor]=x"),
        "a page too large": lambda: api("GET", "lists?page[size]=11"),
        "an item that isn't there": lambda: api("GET", "catalog-items/x"),
        "a variant that isn't there": lambda: api("GET", "catalog-variants/x"),
        "a metric that isn't there": lambda: api("GET", "metrics/x/flow-triggers"),
        "a job that isn't there": lambda: api("GET", "catalog-item-bulk-create-jobs/x"),
        "an item twice": lambda: api("POST", "catalog-items", item_body()),
        "a variant twice": lambda: api("POST", "catalog-variants", variant_body()),
        "a variant of no item": lambda: api("POST", "catalog-variants", wrong_item),
        "a variant without data of an item": lambda: api("POST", "catalog-variants", no_item),
        "an item without a title": lambda: api("POST", "catalog-items", item_body("x", title="")),
        "an item without an external ID": lambda: api(
            "POST", "catalog-items", item_body(" ", title="x")
        ),
        "an address that is no link": lambda: api("POST", "catalog-items", item_body("x", url="x")),
        "a picture that is no link": lambda: api(
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


def successes(sandbox: Running) -> dict[str, Callable[[], Any]]:
    """Return calls that are answered as they wish."""
    api = sandbox.api
    one_more = job_body("create", "items", item_body("coat"))
    return {
        "a sign-up": sandbox.server_call,
        "the same again": sandbox.server_call,
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


def told(sandbox: Running, calls: dict[str, Callable[[], Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield what the inspector says of each call."""
    for what, call in calls.items():
        call()
        entry = sandbox.read("requests")[-1]
        status, sentence = said(sandbox)
        yield what, entry["operation"] or "none", status, sentence
        sandbox.clock.move(60)


def test_what_the_inspector_says_is_what_the_file_says(sandbox: Running) -> None:
    """The sentence for every drill, scope and failure, where a person can read them."""
    text = HEAD + table("Every drill", "drill, call, status, the inspector says", drilled(sandbox))
    text += table(
        "Every operation without its scopes",
        "operation, the inspector says",
        without_a_scope(sandbox),
    )
    sandbox.ask("POST", "/_sandbox/reset")
    sandbox.add("jacket-m")
    columns = "operation, status, the inspector says"
    text += table("Real failures", f"what is wrong, {columns}", told(sandbox, failures(sandbox)))
    text += table("What is taken", f"what is called, {columns}", told(sandbox, successes(sandbox)))

    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")

    assert text.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()
    # a cause that nobody thought of would get the last resort of all
    resort = [row.split(" | ")[0] for row in text.splitlines() if "Klaviyo's schema" in row]
    assert resort == ["| 400-unknown-pointer", "| an unknown attribute"]
