"""Replies to shoppers for each Klaviyo failure in both modes, compared with a golden file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from klaviyo_sandbox.protocol.failures import KINDS
from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import read
from tests.notify_me.offers import fetch_response
from tests.support import TIMEOUT, Sandbox

GOLDEN = Path(__file__).with_name("replies.md")
MUG = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AMUG"
DATA = {"channels": "EMAIL", "email": "ada@example.org"}
BROWSER_OPERATION = "create_client_back_in_stock_subscription"
# these kinds are slow, and are tested in tests/notify_me/klaviyo/test_outcomes.py
NOT_COVERED = {"slow", "drip", "drip-headers"}
HEAD = """\
# What a shopper reads when Klaviyo fails

One call fails because of a drill; in client mode, all of the browser's calls fail. "Calls" is the
number of calls by the browser, then by the server. Update with
`UPDATE_GOLDEN=1 pytest tests/notify_me/web/test_replies.py`.

| failure | mode | status | state | calls | text | invalid field | state in the log | log lines |
|---|---|---|---|---|---|---|---|---|
"""


def preflighted_response(call: dict[str, Any]) -> dict[str, Any] | None:
    """Make a call if its preflight allows it, as a browser does."""
    headers = {
        **call["headers"],
        "Origin": "http://127.0.0.1:5000",
        "Access-Control-Request-Method": "POST",
    }
    try:
        preflight = requests.options(call["url"], headers=headers, timeout=TIMEOUT)
    except requests.RequestException:
        return None
    is_allowed = "Access-Control-Allow-Origin" in preflight.headers
    return fetch_response(call) if is_allowed else None


def submit_in_client_mode(client: FlaskClient) -> Any:
    """Submit the form as the element does in client mode: get calls, make them, report back."""
    sent = client.post(MUG, data=DATA, headers={"X-Notify-Me": "1"}).get_json()
    responses = [preflighted_response(call) for call in sent["calls"]]
    report = {**DATA, "sign_up": sent["sign_up"], "answers": json.dumps(responses)}
    return client.post(MUG, data=report, headers={"X-Notify-Me": "1"})


def new_log_lines(lines: list[str]) -> str:
    """Return the lines logged since the last call, without parts that differ between runs."""
    text = "; ".join(line for line in lines if " notify_me.delivery: " in line)
    lines.clear()
    assert "example.org" not in text
    text = re.sub(r" notify_me.delivery| for \$custom:::\$default:::MUG, sign-up \S+", "", text)
    return re.sub(r", error [\w-]+", "", text).replace("create_back_in_stock_subscription ", "")


def row(kind: str, mode: str, reply: Any, sandbox: Sandbox, state: str, lines: list[str]) -> str:
    """Return a row of the table."""
    content = reply.get_json()
    root = read(content["html"])
    messages = [
        *[
            paragraph.text
            for paragraph in root.all("p", class_="notify-me__alert")
            if "hidden" not in paragraph
        ],
        *[paragraph.text for paragraph in root.all("p", class_="notify-me__error")],
    ]
    text = " ".join(messages) or root.one("h2").text
    fields = ", ".join(
        paragraph["id"].split("-")[-2] for paragraph in root.all("p", class_="notify-me__error")
    )
    call_paths = [call["path"] for call in sandbox.requests() if call["method"] == "POST"]
    browser = sum(path.startswith("/client") for path in call_paths)
    counts = f"{browser}, {len(call_paths) - browser}"
    cells = (
        kind,
        mode,
        reply.status_code,
        content["state"],
        counts,
        text,
        fields or "-",
        state,
        new_log_lines(lines),
    )
    return f"| {' | '.join(map(str, cells))} |"


@pytest.fixture
def table(
    make_app: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, lines: list[str]
) -> str:
    """The table: each drill in server mode, and in client mode with and without a private key."""
    client = make_app(NOTIFY_ME_MODE="client").test_client()
    keyless = make_app(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()
    rows = []
    for kind in [kind for kind in KINDS if kind not in NOT_COVERED]:
        if kind != "cors":
            sandbox.reset()
            sandbox.drill(kind, times=1)
            # a new shop, since one that has been throttled sends nothing for a while
            reply = make_app().test_client().post(MUG, data=DATA, headers={"X-Notify-Me": "1"})
            rows.append(row(kind, "server", reply, sandbox, log_file.states()[-1], lines))
        for mode, shop in (("client", client), ("client, no private key", keyless)):
            sandbox.reset()
            sandbox.drill(kind, times=None, operation=BROWSER_OPERATION)
            rows.append(
                row(kind, mode, submit_in_client_mode(shop), sandbox, log_file.states()[-1], lines)
            )
    sandbox.reset()
    wrong_key = make_app(KLAVIYO_PRIVATE_KEY="pk_wrong").test_client()
    reply = wrong_key.post(MUG, data=DATA, headers={"X-Notify-Me": "1"})
    rows.append(row("a wrong private key", "server", reply, sandbox, log_file.states()[-1], lines))
    sandbox.reset()
    wrong_key = make_app(NOTIFY_ME_MODE="client", KLAVIYO_PUBLIC_KEY="WRONG1").test_client()
    reply = submit_in_client_mode(wrong_key)
    rows.append(row("a wrong public key", "client", reply, sandbox, log_file.states()[-1], lines))
    return HEAD + "\n".join(rows) + "\n"


def test_replies_to_klaviyo_failures_match_the_golden_file(table: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(table, encoding="utf-8")

    assert table.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()
