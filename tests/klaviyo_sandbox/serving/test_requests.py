"""The request log contains requests and their replies, but never a private key."""

import json
import threading
from typing import Any

from klaviyo_sandbox.protocol.masking import Mask, masked_email, masked_phone
from klaviyo_sandbox.state.request_log import RequestLog
from tests.klaviyo_sandbox.conftest import (
    BROWSER_OPERATION,
    BROWSER_PATH,
    EMAIL,
    NOON,
    SERVER_OPERATION,
    SERVER_PATH,
    SHOP,
    VARIANT,
    RunningSandbox,
    body,
)


def test_request_is_recorded(sandbox: RunningSandbox) -> None:
    sandbox.browser_call()

    [entry] = sandbox.read("requests")
    assert entry.pop("headers")["Revision"] == "2026-10-15"
    assert entry.pop("reply_headers")["Content-Length"] == "0"
    assert entry == {
        "id": 1,
        "at": NOON,
        "method": "POST",
        "path": BROWSER_PATH,
        "query": f"company_id={sandbox.account.public_key}",
        "body": body(),
        "origin": SHOP,
        "operation": BROWSER_OPERATION,
        "status": 202,
        "reply": None,
        "drill": None,
        "problems": [],
        "notes": [],
        "leak": False,
        "finished": True,
    }


def test_error_reply_and_invalid_body_are_recorded(sandbox: RunningSandbox) -> None:
    reply = sandbox.server_call(b"{nonsense")

    [entry] = sandbox.read("requests")
    assert (entry["status"], entry["reply"], entry["body"]) == (400, reply.json(), "{nonsense")


def test_private_key_is_never_shown(sandbox: RunningSandbox) -> None:
    """The log and the pages only show the key's last four characters."""
    key = sandbox.account.private_key
    replies = [
        sandbox.server_call(),
        sandbox.server_call(f'{{"key": "{key}"'.encode()),
        sandbox.server_call(body(variant=f"{VARIANT}{key}")),
        sandbox.server_call({key: key}),
        sandbox.server_call(b'{"escaped": "\\u0070k_' + key[3:].encode() + b'"}'),
        sandbox.browser_call(company_id=key),
        sandbox.browser_call(Authorization=f"Klaviyo-API-Key {key}"),
        sandbox.request("POST", f"/api/{key}"),
        sandbox.request("GET", f"{SERVER_PATH}?key={key}"),
    ]

    log = sandbox.request("GET", "/_sandbox/requests").text
    assert key not in log
    assert f"pk_…{key[-4:]}" in json.dumps(json.loads(log), ensure_ascii=False)
    entries = sandbox.read("requests")
    assert len(entries) == len(replies)
    for entry in entries:
        page = sandbox.request("GET", f"/requests/{entry['id']}")
        assert page.status_code == 200
        assert key not in page.text
    assert key not in sandbox.request("GET", "/requests").text


def test_requests_can_be_filtered(sandbox: RunningSandbox) -> None:
    sandbox.server_call()
    sandbox.browser_call()
    sandbox.request("POST", "/api/other")

    def paths(query: str) -> list[str]:
        entries = sandbox.request("GET", f"/_sandbox/requests?{query}").json()["requests"]
        return [entry["path"] for entry in entries]

    assert paths(f"operation={SERVER_OPERATION}") == [SERVER_PATH]
    assert paths(f"operation={BROWSER_OPERATION}") == [BROWSER_PATH]
    assert paths("operation=nothing") == []
    assert paths("after=2") == ["/api/other"]


def test_requests_can_be_deleted(sandbox: RunningSandbox) -> None:
    """The waiting list stays, and IDs are not reused."""
    sandbox.server_call()

    assert sandbox.request("DELETE", "/_sandbox/requests").json() == {"requests": []}

    assert sandbox.read("requests") == []
    assert len(sandbox.read("waiting")) == 1
    sandbox.server_call()
    assert [entry["id"] for entry in sandbox.read("requests")] == [2]


def test_log_keeps_the_latest_thousand() -> None:
    """No entry is lost or numbered twice if several threads add entries."""
    log = RequestLog(threading.RLock())
    fields: dict[str, Any] = dict.fromkeys(("at", "method", "path", "query"), "")

    def fill() -> None:
        for _ in range(300):
            log.add(**fields, headers={}, body=None, origin=None, operation=None)

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry["id"] for entry in log.entries()] == list(range(201, 1201))


def test_short_key_is_hidden_completely() -> None:
    """The last four characters of a short key would be most of it."""
    assert Mask("pk_test").text("Klaviyo-API-Key pk_test") == "Klaviyo-API-Key pk_…"


def test_text_that_isnt_a_key_is_shown() -> None:
    assert Mask("pk_" + "0" * 34).text("pk_blue and jacket_pk_") == "pk_blue and jacket_pk_"


def test_masked_contact_details() -> None:
    assert masked_email(EMAIL) == "a•••@s•••.org"
    assert masked_email("nonsense") == "•••"
    assert masked_phone("+12025550143") == "+•••43"
