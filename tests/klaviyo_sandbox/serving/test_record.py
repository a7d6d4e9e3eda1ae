"""The record: a request as it was, its reply, and never a private key."""

import json
import threading
from typing import Any

from klaviyo_sandbox.protocol.masking import Mask, masked_email, masked_phone
from klaviyo_sandbox.state.request_log import MAX_ENTRIES, RequestLog
from tests.klaviyo_sandbox.conftest import (
    BROWSER_OPERATION,
    BROWSER_PATH,
    EMAIL,
    SERVER_OPERATION,
    SERVER_PATH,
    SHOP,
    VARIANT,
    Running,
    body,
)


def test_a_request_is_recorded_as_it_was(sandbox: Running) -> None:
    """Method, path, query, headers, body, origin, reply: everything is there."""
    sandbox.browser_call()

    [entry] = sandbox.read("requests")
    headers = entry.pop("headers")
    assert headers["Revision"] == "2026-07-15"
    assert entry.pop("reply_headers")["Content-Length"] == "0"
    assert entry == {
        "id": 1,
        "at": "2026-11-24T12:00:00+00:00",
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


def test_a_refusal_is_recorded_with_its_reply(sandbox: Running) -> None:
    """The reply in the record is the reply that was sent, and text that isn't JSON stays text."""
    reply = sandbox.server_call(b"{nonsense")

    [entry] = sandbox.read("requests")
    assert (400, reply.json(), "{nonsense") == (entry["status"], entry["reply"], entry["body"])


def test_the_private_key_is_nowhere(sandbox: Running) -> None:
    """Whatever carried it, the record, its pages and the replies show the last four alone."""
    key = sandbox.account.private_key
    replies = [
        sandbox.server_call(),
        sandbox.server_call(f'{{"key": "{key}"'.encode()),
        sandbox.server_call(body(variant=f"{VARIANT}{key}")),
        sandbox.server_call({key: key}),
        sandbox.server_call(b'{"escaped": "\\u0070k_' + key[3:].encode() + b'"}'),
        sandbox.browser_call(company_id=key),
        sandbox.browser_call(Authorization=f"Klaviyo-API-Key {key}"),
        sandbox.ask("POST", f"/api/{key}"),
        sandbox.ask("GET", f"{SERVER_PATH}?key={key}"),
    ]

    record = sandbox.ask("GET", "/_sandbox/requests").text
    assert key not in record
    assert f"pk_…{key[-4:]}" in json.dumps(json.loads(record), ensure_ascii=False)
    for entry in sandbox.read("requests"):
        page = sandbox.ask("GET", f"/requests/{entry['id']}")
        assert page.status_code == 200
        assert key not in page.text
    assert key not in sandbox.ask("GET", "/requests").text
    assert len(replies) == len(sandbox.read("requests"))


def test_the_record_can_be_asked_for_one_operation(sandbox: Running) -> None:
    """`?operation=` leaves out the others, and those of no operation."""
    sandbox.server_call()
    sandbox.browser_call()
    sandbox.ask("POST", "/api/other")

    def listed(operation: str) -> list[str]:
        path = f"/_sandbox/requests?operation={operation}"
        return [entry["path"] for entry in sandbox.ask("GET", path).json()["requests"]]

    assert listed(SERVER_OPERATION) == [SERVER_PATH]
    assert listed(BROWSER_OPERATION) == [BROWSER_PATH]
    assert listed("nothing") == []


def test_the_record_can_be_emptied(sandbox: Running) -> None:
    """Emptying it leaves the waiting list alone, and IDs are never used again."""
    sandbox.server_call()

    assert sandbox.ask("DELETE", "/_sandbox/requests").json() == {"requests": []}

    assert sandbox.read("requests") == []
    assert len(sandbox.read("waiting")) == 1
    sandbox.server_call()
    assert [entry["id"] for entry in sandbox.read("requests")] == [2]


def test_the_record_keeps_a_thousand() -> None:
    """The oldest leave when the record is full, also under many threads."""
    record = RequestLog(threading.RLock())
    fields: dict[str, Any] = {
        "at": "",
        "method": "",
        "path": "",
        "query": "",
        "headers": {},
        "body": None,
    }

    def fill() -> None:
        for _ in range(300):
            record.add(**fields, origin=None, operation=None)

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ids = [entry["id"] for entry in record.entries()]
    assert MAX_ENTRIES == 1000
    assert ids == list(range(201, 1201))


def test_a_short_key_is_hidden_whole() -> None:
    """Four characters of a key that has seven would be most of it."""
    mask = Mask("pk_test")

    assert mask.text("Klaviyo-API-Key pk_test") == "Klaviyo-API-Key pk_…"


def test_an_ordinary_text_is_left_alone() -> None:
    """What only begins like a key is shown as it was."""
    assert Mask("pk_" + "0" * 34).text("pk_blue and jacket_pk_") == "pk_blue and jacket_pk_"


def test_contact_details_in_the_log_are_masked() -> None:
    """A log line tells two people apart at most, and names nobody."""
    assert masked_email(EMAIL) == "a•••@s•••.org"
    assert masked_email("nonsense") == "•••"
    assert masked_phone("+12025550143") == "+•••43"
