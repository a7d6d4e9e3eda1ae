"""The forms on the pages: they work without a script, and redirect to a page."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from klaviyo_sandbox.protocol.failures import KINDS
from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    OTHER_EMAIL,
    SERVER_OPERATION,
    RunningSandbox,
    consent_to,
    person,
)
from tests.klaviyo_sandbox.pages.test_pages import page

FORMS = {
    "/reset": {},
    "/brand": {"brand": "poppy"},
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


def post(sandbox: RunningSandbox, path: str, **fields: str) -> requests.Response:
    """Submit a form as a browser does, without following its redirect."""
    headers = {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}
    return sandbox.request("POST", path, data=fields, headers=headers, allow_redirects=False)


def submit(sandbox: RunningSandbox, path: str, **fields: str) -> str:
    """Submit a form, and return the page that it redirects to."""
    reply = post(sandbox, path, **fields)
    assert reply.status_code == 303, reply.text
    return page(sandbox, reply.headers["Location"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:5000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_pages_of_other_sites_cannot_submit_forms(
    sandbox: RunningSandbox, headers: dict[str, str]
) -> None:
    """The shop counts as another site, since it uses another port."""
    sandbox.drill("slow", operation="get_flows")

    for path, fields in FORMS.items():
        options: dict[str, Any] = {"data": fields, "headers": headers, "allow_redirects": False}
        assert sandbox.request("POST", path, **options).status_code == 403, path

    assert len(sandbox.read("drills")) == 1
    assert sandbox.get("clock")["ahead"] == 0
    assert sandbox.get("flow")["status"] == "live"
    assert sandbox.get("list")["opt_in_process"] == "single_opt_in"
    assert sandbox.get("account")["brand"] == "harbour"


def test_brand_is_switched(sandbox: RunningSandbox) -> None:
    shown = submit(sandbox, "/brand", brand="poppy")

    assert "Brand changed" in shown
    assert '<option value="poppy" selected' in shown
    assert sandbox.get("account")["brand"] == "poppy"
    assert post(sandbox, "/brand", brand="other").status_code == 422


def test_failure_is_simulated_and_cleared(sandbox: RunningSandbox) -> None:
    fields = {"kind": "429", "operation": SERVER_OPERATION, "retry_after": "3", "seconds": ""}
    shown = submit(sandbox, "/drills", calls="next", times="2", **fields)

    assert "Failure added. Matching calls will fail." in shown
    assert "the next 2 calls, Retry-After 3 s" in shown
    [drill] = sandbox.read("drills")
    assert (drill["kind"], drill["operation"]) == ("429", SERVER_OPERATION)
    reply = sandbox.server_call()
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "3")
    assert "the next call, Retry-After" in page(sandbox, "/drills")

    shown = submit(sandbox, "/drills/clear")

    assert "Calls get the response that Klaviyo would send" in shown
    assert (sandbox.read("drills"), sandbox.server_call().status_code) == ([], 202)


def test_failure_of_all_calls(sandbox: RunningSandbox) -> None:
    shown = submit(sandbox, "/drills", kind="drip", operation="", calls="all", seconds="0.5")

    assert "any operation, all calls, 0.5 s" in shown
    [drill] = sandbox.read("drills")
    assert (drill["times"], drill["seconds"], drill["operation"]) == (None, 0.5, None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "nonsense", "times": "1"}, "no drill of kind &#39;nonsense&#39;"),
        ({"kind": "500", "times": ""}, "Enter how many calls"),
        ({"kind": "500", "times": "0"}, "times must be null or a whole number"),
        ({"kind": "slow", "times": "1", "seconds": "601"}, "seconds must be a number"),
        ({"kind": "slow", "times": "1", "seconds": "long"}, "seconds must be a number"),
        ({"kind": "cors", "times": "1", "operation": SERVER_OPERATION}, "browser&#39;s operations"),
    ],
)
def test_invalid_failure_is_refused(
    sandbox: RunningSandbox, fields: dict[str, str], message: str
) -> None:
    """The page shows the problem and keeps the selected failure."""
    reply = post(sandbox, "/drills", **fields)

    assert reply.status_code == 422
    assert message in reply.text
    assert sandbox.read("drills") == []
    if fields["kind"] in KINDS:
        assert f'<option value="{fields["kind"]}" selected' in reply.text


def test_form_offers_every_kind_and_operation(sandbox: RunningSandbox) -> None:
    shown = page(sandbox, "/drills")

    for kind in KINDS:
        assert f'<option value="{kind}"' in shown
    drill = {"kind": "500", "operation": "x"}
    allowed = sandbox.request("POST", "/_sandbox/drills", json=drill).json()["allowed"]
    for operation in allowed:
        assert f'<option value="{operation}"' in shown


def test_flow_settings_are_saved(sandbox: RunningSandbox) -> None:
    shown = submit(sandbox, "/flow", **SETTINGS)

    assert "Settings saved" in shown
    assert sandbox.get("flow") == {
        "status": "manual",
        "minimum_inventory": 2,
        "customers_per_unit": 5,
        "wait_seconds": 900,
        "waits": [],
    }
    for choice in ('value="manual" checked', 'value="some" checked', 'value="60" selected'):
        assert choice in shown
    assert 'name="wait" min="0" max="2678400" required value="15"' in shown

    submit(sandbox, "/flow", **SETTINGS | {"customers": "all"})

    assert sandbox.get("flow")["customers_per_unit"] == "all"


@pytest.mark.parametrize("path", ["/flow", "/clock", "/drills", "/list", "/confirm", "/brand"])
def test_form_without_its_fields_is_not_a_server_error(sandbox: RunningSandbox, path: str) -> None:
    assert post(sandbox, path, x="1").status_code < 500


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "paused"}, "status must be one of"),
        ({"minimum_inventory": "0"}, "minimum_inventory must be"),
        ({"customers_per_unit": ""}, "Enter the number of customers"),
        ({"wait": ""}, "wait_seconds must be"),
        ({"wait": "99", "wait_unit": "86400"}, "wait_seconds must be"),
    ],
)
def test_invalid_flow_settings_are_refused(
    sandbox: RunningSandbox, changes: dict[str, str], message: str
) -> None:
    """The page keeps what was typed."""
    reply = post(sandbox, "/flow", **SETTINGS | changes)

    assert reply.status_code == 422
    assert message in reply.text
    wait = changes.get("wait", "15")
    assert f'name="wait" min="0" max="2678400" required value="{wait}"' in reply.text
    assert sandbox.get("flow")["status"] == "live"


def test_clock_can_skip_the_wait(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=1, wait_seconds=900)
    sandbox.sign_up(EMAIL, OTHER_EMAIL)
    sandbox.stock("jacket-m", 1)
    flow = page(sandbox, "/flow")
    next_wait = '<time datetime="2026-11-24T12:15:00.000+00:00">%s</time>'
    assert next_wait % "24 Nov 2026, 12:15:00" in flow
    assert "waiting until " + next_wait % "12:15:00" in flow

    submit(sandbox, "/clock", advance="next")

    assert sandbox.recipients() == [EMAIL, OTHER_EMAIL]
    assert "15 min" in submit(sandbox, "/clock", advance="0")
    assert "1 d 15 min" in submit(sandbox, "/clock", advance="86400")
    assert post(sandbox, "/clock", advance="back").status_code == 422


def test_opt_in_is_changed_and_a_subscription_confirmed(sandbox: RunningSandbox) -> None:
    shown = submit(sandbox, "/list", opt_in_process="double_opt_in")
    assert "after they confirm" in shown
    sandbox.subscribe(person(consent_to("email"), email=EMAIL))
    assert f'name="contact" value="{EMAIL}"' in page(sandbox, "/profiles")

    shown = submit(sandbox, "/confirm", contact=EMAIL)

    assert 'name="contact"' not in shown
    assert sandbox.consent("email")["status"] == "subscribed"
    submit(sandbox, "/list", opt_in_process="single_opt_in")
    submit(sandbox, "/list", opt_in_process="nonsense")
    assert sandbox.get("list")["opt_in_process"] == "single_opt_in"


@pytest.mark.parametrize(("fields", "variants"), [({"keep_catalog": "on"}, 1), ({}, 0)])
def test_reset(sandbox: RunningSandbox, fields: dict[str, Any], variants: int) -> None:
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL)

    shown = submit(sandbox, "/reset", **fields)

    assert "has been reset" in shown
    assert (len(sandbox.read("catalog")), sandbox.read("waiting")) == (variants, [])
