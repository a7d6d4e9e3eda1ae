"""The pages' forms: each does its work without a script, and leads back to a page."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from klaviyo_sandbox.protocol.failures import KINDS
from tests.klaviyo_sandbox.conftest import EMAIL, SERVER_OPERATION, Running, consent_to, person
from tests.klaviyo_sandbox.pages.test_pages import page

FORMS = {
    "/reset": {},
    "/flow": {"status": "draft", "minimum_inventory": "1", "wait": "0", "wait_unit": "1"},
    "/clock": {"advance": "60"},
    "/list": {"opt_in_process": "double_opt_in"},
    "/confirm": {"contact": EMAIL},
    "/mailbox/1/send": {},
    "/drills": {"kind": "500", "times": "1"},
    "/drills/clear": {},
}
SETTINGS = {
    "status": "manual",
    "minimum_inventory": "2",
    "customers": "some",
    "customers_per_unit": "5",
    "wait": "15",
    "wait_unit": "60",
}


def post(sandbox: Running, path: str, **fields: str) -> requests.Response:
    """Send a form as a browser does, and stay where the reply is."""
    headers = {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}
    return sandbox.ask("POST", path, data=fields, headers=headers, allow_redirects=False)


def posted(sandbox: Running, path: str, **fields: str) -> str:
    """Send a form, follow its redirect, and return the page."""
    reply = post(sandbox, path, **fields)
    assert reply.status_code == 303, reply.text
    return page(sandbox, reply.headers["Location"])


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:5000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_sites_page_sends_no_form(
    sandbox: Running, path: str, headers: dict[str, str]
) -> None:
    """Not even the shop's, which differs by its port alone: nothing changes."""
    sandbox.drill("slow", operation="get_flows")

    reply = sandbox.ask("POST", path, data=FORMS[path], headers=headers, allow_redirects=False)

    assert reply.status_code == 403
    assert len(sandbox.read("drills")) == 1
    assert sandbox.ask("GET", "/_sandbox/clock").json()["ahead"] == 0
    assert sandbox.ask("GET", "/_sandbox/flow").json()["status"] == "live"
    assert sandbox.ask("GET", "/_sandbox/list").json()["opt_in_process"] == "single_opt_in"


def test_a_drill_is_set_and_cleared(sandbox: Running) -> None:
    """The page lists it, and the next calls fail by it."""
    shown = posted(
        sandbox,
        "/drills",
        kind="429",
        operation=SERVER_OPERATION,
        calls="next",
        times="2",
        retry_after="3",
        seconds="",
    )

    assert "The error will be simulated." in shown
    assert "the next 2 calls, Retry-After 3 s" in shown
    [drill] = sandbox.read("drills")
    assert (drill["kind"], drill["operation"]) == ("429", SERVER_OPERATION)
    reply = sandbox.server_call()
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "3")
    assert "the next call, Retry-After" in page(sandbox, "/drills")

    shown = posted(sandbox, "/drills/clear")

    assert "Calls get the reply" in shown
    assert (sandbox.read("drills"), sandbox.server_call().status_code) == ([], 202)


def test_a_drill_for_all_calls(sandbox: Running) -> None:
    """It stays until it is cleared, for any operation."""
    shown = posted(sandbox, "/drills", kind="drip", operation="", calls="all", seconds="0.5")

    assert "any operation, all calls, 0.5 s" in shown
    [drill] = sandbox.read("drills")
    assert (drill["times"], drill["seconds"], drill["operation"]) == (None, 0.5, None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "nonsense", "times": "1"}, "no drill of the kind &#39;nonsense&#39;"),
        ({"kind": "500", "times": ""}, "Enter the number of calls"),
        ({"kind": "500", "times": "0"}, "times must be null or a whole number"),
        ({"kind": "slow", "times": "1", "seconds": "601"}, "seconds must be a number"),
        ({"kind": "slow", "times": "1", "seconds": "long"}, "seconds must be a number"),
        ({"kind": "cors", "times": "1", "operation": SERVER_OPERATION}, "browser&#39;s operations"),
    ],
)
def test_a_wrong_drill_is_told(sandbox: Running, fields: dict[str, str], words: str) -> None:
    """The page comes again with what is wrong and what was chosen."""
    reply = post(sandbox, "/drills", **fields)

    assert reply.status_code == 422
    assert words in reply.text
    assert sandbox.read("drills") == []
    if fields["kind"] in KINDS:
        assert f'<option value="{fields["kind"]}" selected' in reply.text


def test_every_kind_and_operation_can_be_chosen(sandbox: Running) -> None:
    """The form offers whatever the JSON takes, each kind in words."""
    shown = page(sandbox, "/drills")

    assert True
    for kind in KINDS:
        assert f'<option value="{kind}"' in shown
    allowed = sandbox.ask("POST", "/_sandbox/drills", json={"kind": "500", "operation": "x"})
    for operation in allowed.json()["allowed"]:
        assert f'<option value="{operation}"' in shown


def test_the_flow_is_set(sandbox: Running) -> None:
    """The form shows what it saved."""
    shown = posted(sandbox, "/flow", **SETTINGS)

    assert "Settings saved" in shown
    assert sandbox.ask("GET", "/_sandbox/flow").json() == {
        "status": "manual",
        "minimum_inventory": 2,
        "customers_per_unit": 5,
        "wait_seconds": 900,
        "waits": [],
    }
    for chosen in ('value="manual" checked', 'value="some" checked', 'value="60" selected'):
        assert chosen in shown
    assert 'name="wait" min="0" max="2678400" required value="15"' in shown

    posted(sandbox, "/flow", **SETTINGS | {"customers": "all"})

    assert sandbox.ask("GET", "/_sandbox/flow").json()["customers_per_unit"] == "all"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"status": "paused"}, "status must be one of"),
        ({"minimum_inventory": "0"}, "minimum_inventory must be"),
        ({"customers_per_unit": ""}, "Enter the number of customers"),
        ({"wait": ""}, "wait_seconds must be"),
        ({"wait": "99", "wait_unit": "86400"}, "wait_seconds must be"),
    ],
)
def test_wrong_settings_are_told(sandbox: Running, changed: dict[str, str], words: str) -> None:
    """Nothing is saved, and what was typed is still there."""
    reply = post(sandbox, "/flow", **SETTINGS | changed)

    assert reply.status_code == 422
    assert words in reply.text
    assert f'name="wait" min="0" max="2678400" required value="{changed.get("wait", "15")}"' in (
        reply.text
    )
    assert sandbox.ask("GET", "/_sandbox/flow").json()["status"] == "live"


def test_the_clock_is_moved_to_the_end_of_the_wait(sandbox: Running) -> None:
    """By one button; the others go on by a fixed time."""
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=1, wait_seconds=900)
    sandbox.sign_up(EMAIL, "grace@shop.example.org")
    sandbox.stock("jacket-m", 1)
    assert "waits until 12:15:00" in page(sandbox, "/flow")

    posted(sandbox, "/clock", advance="next")

    assert sandbox.told() == [EMAIL, "grace@shop.example.org"]
    assert "15 min" in posted(sandbox, "/clock", advance="0")
    posted(sandbox, "/clock", advance="86400")
    assert "1 d 15 min" in page(sandbox, "/flow")
    assert post(sandbox, "/clock", advance="back").status_code == 422


def test_the_list_is_switched_and_a_subscriber_confirmed(sandbox: Running) -> None:
    """From the profiles' page."""
    shown = posted(sandbox, "/list", opt_in_process="double_opt_in")
    assert "after they confirm" in shown
    sandbox.subscribe(person(consent_to("email"), email=EMAIL))
    assert f'name="contact" value="{EMAIL}"' in page(sandbox, "/profiles")

    shown = posted(sandbox, "/confirm", contact=EMAIL)

    assert 'name="contact"' not in shown
    assert sandbox.consent("email")["status"] == "subscribed"
    posted(sandbox, "/list", opt_in_process="single_opt_in")
    posted(sandbox, "/list", opt_in_process="nonsense")
    assert sandbox.ask("GET", "/_sandbox/list").json()["opt_in_process"] == "single_opt_in"


@pytest.mark.parametrize(("fields", "left"), [({"keep_catalog": "on"}, 1), ({}, 0)])
def test_the_sandbox_is_reset(sandbox: Running, fields: dict[str, Any], left: int) -> None:
    """With the catalog or without it."""
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL)

    shown = posted(sandbox, "/reset", **fields)

    assert "has been reset" in shown
    assert (len(sandbox.read("catalog")), sandbox.read("waiting")) == (left, [])
