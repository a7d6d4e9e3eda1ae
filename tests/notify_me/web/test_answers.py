"""What a shopper reads, for every way in which Klaviyo can fail, in both modes: a golden file."""

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
from tests.support import Sandbox

GOLDEN = Path(__file__).with_name("answers.md")
MUG = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AMUG"
DATA = {"channels": "EMAIL", "email": "ada@example.org"}
IN_BROWSER = "create_client_back_in_stock_subscription"
# the shopper's own patience with these is tested in a browser; here they would only cost time
LEFT_OUT = {"slow", "drip", "drip-headers"}
HEAD = """\
# What a shopper reads when Klaviyo fails

One call fails in the way of the drill; in client mode, every call of the browser's does. Calls:
how many the browser and the server made. Renew with
`UPDATE_GOLDEN=1 pytest tests/notify_me/web/test_answers.py`.

| what fails | mode | status | state | calls | the shopper reads | beside | in the log | its line |
|---|---|---|---|---|---|---|---|---|
"""


def as_the_browser_sees_it(call: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to one call as `fetch` gives it: a reply without CORS headers is none."""
    headers = {**call["headers"], "Origin": "http://127.0.0.1:5000"}
    preflight = {**headers, "Access-Control-Request-Method": "POST"}
    try:
        allowed = requests.options(call["url"], headers=preflight, timeout=10)
        if "Access-Control-Allow-Origin" not in allowed.headers:
            return None
        reply = requests.post(call["url"], json=call["body"], headers=headers, timeout=10)
    except requests.RequestException:
        return None
    if "Access-Control-Allow-Origin" not in reply.headers:
        return None
    body = reply.json() if reply.content and reply.status_code != 202 else None
    return {"status": reply.status_code, "body": body}


def by_browser(client: FlaskClient) -> Any:
    """The element's way in client mode: ask, call, report."""
    sent = client.post(MUG, data=DATA, headers={"X-Notify-Me": "1"}).get_json()
    answers = [as_the_browser_sees_it(call) for call in sent["calls"]]
    report = {**DATA, "sign_up": sent["sign_up"], "answers": json.dumps(answers)}
    return client.post(MUG, data=report, headers={"X-Notify-Me": "1"})


def logged(lines: list[str]) -> str:
    """What was logged since the last look, without what differs from one run to the next."""
    text = "; ".join(line for line in lines if " notify_me.delivery: " in line)
    lines.clear()
    assert "example.org" not in text
    text = re.sub(r" notify_me.delivery| for \$custom:::\$default:::MUG, sign-up \S+", "", text)
    return re.sub(r", error [\w-]+", "", text).replace("create_back_in_stock_subscription ", "")


def row(kind: str, mode: str, reply: Any, sandbox: Sandbox, state: str, lines: list[str]) -> str:
    """One line of the table."""
    answer = reply.get_json()
    root = read(answer["html"])
    texts = [
        *[
            paragraph.text
            for paragraph in root.all("p", class_="notify-me__alert")
            if "hidden" not in paragraph
        ],
        *[paragraph.text for paragraph in root.all("p", class_="notify-me__error")],
    ]
    words = " ".join(texts) or root.one("h2").text
    beside = ", ".join(
        paragraph["id"].split("-")[-2] for paragraph in root.all("p", class_="notify-me__error")
    )
    made = [call["path"] for call in sandbox.requests() if call["method"] == "POST"]
    browser = sum(path.startswith("/client") for path in made)
    counts = f"{browser}, {len(made) - browser}"
    cells = (
        kind,
        mode,
        reply.status_code,
        answer["state"],
        counts,
        words,
        beside or "-",
        state,
        logged(lines),
    )
    return f"| {' | '.join(map(str, cells))} |"


@pytest.fixture
def table(
    make_app: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, lines: list[str]
) -> str:
    """Every drill in server mode, in client mode, and in client mode without a private key."""
    client = make_app(NOTIFY_ME_MODE="client").test_client()
    keyless = make_app(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()
    rows = []
    for kind in [kind for kind in KINDS if kind not in LEFT_OUT]:
        if kind != "cors":
            sandbox.reset()
            sandbox.drill(kind, times=1)
            # a shop as new: one that has been throttled would try nothing for a while
            reply = make_app().test_client().post(MUG, data=DATA, headers={"X-Notify-Me": "1"})
            rows.append(row(kind, "server", reply, sandbox, log_file.states()[-1], lines))
        for mode, shop in (("client", client), ("client, no private key", keyless)):
            sandbox.reset()
            sandbox.drill(kind, times=None, operation=IN_BROWSER)
            rows.append(row(kind, mode, by_browser(shop), sandbox, log_file.states()[-1], lines))
    sandbox.reset()
    wrong = make_app(KLAVIYO_PRIVATE_KEY="pk_wrong").test_client()
    reply = wrong.post(MUG, data=DATA, headers={"X-Notify-Me": "1"})
    rows.append(row("a wrong private key", "server", reply, sandbox, log_file.states()[-1], lines))
    sandbox.reset()
    wrong = make_app(NOTIFY_ME_MODE="client", KLAVIYO_PUBLIC_KEY="WRONG1").test_client()
    reply = by_browser(wrong)
    rows.append(row("a wrong public key", "client", reply, sandbox, log_file.states()[-1], lines))
    return HEAD + "\n".join(rows) + "\n"


def test_replies_to_klaviyo_failures_match_the_golden_file(table: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(table, encoding="utf-8")

    assert table.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()
