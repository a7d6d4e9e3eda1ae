"""Helpers for sign-ups by any channel: settings, scenarios, expected calls, and errors in forms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.notify_me.markup import Element
from tests.support import TIMEOUT, Sandbox

PREFIX = "$custom:::$default:::"
MUG = f"{PREFIX}MUG"
FORM = f"/notify-me/{MUG}"
ELEMENT = {"X-Notify-Me": "1"}
ADA = "ada@example.org"
TYPED_PHONE = "(202) 555-0143"
PHONE = "+12025550143"
PHONE_SHOWN = "+1 202-555-0143"
TERMS = "https://smirr.example/terms"
PRIVACY = "https://smirr.example/privacy"
SMS_SENTENCE = "Check this box to agree to receive texts."
WHATSAPP_SENTENCE = "Check this box to agree to receive WhatsApp messages."

SERVER_PATHS = ("/api/back-in-stock-subscriptions", "/api/profile-subscription-bulk-create-jobs")
BROWSER_PATHS = ("/client/back-in-stock-subscriptions", "/client/subscriptions")


def toml(offered: Sequence[str], region: str = "US", **consent: object) -> str:
    """Return a settings file that offers these channels; entries that are None are left out."""
    entries = {
        "brand": "Smirr",
        "terms_of_service_url": TERMS,
        "privacy_policy_url": PRIVACY,
        **consent,
    }
    # JSON strings, lists and booleans are valid TOML
    lines = [
        f"{name} = {json.dumps(value)}" for name, value in entries.items() if value is not None
    ]
    channels = f"[channels]\noffered = {json.dumps(list(offered))}\ndefault_region = {region!r}\n"
    return channels + "[consent]\n" + "\n".join(lines) + "\n"


def settings_file(folder: Path, text: str) -> str:
    """Write a new settings file with this text, and return its path."""
    path = folder / f"notify_me_{len([*folder.glob('notify_me_*.toml')])}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def submit_page(client: FlaskClient, path: str, data: Mapping[str, Any]) -> TestResponse:
    """Submit the form as a browser without scripts does, and follow the redirect."""
    reply = client.post(path, data=_form_data(data))
    return client.get(reply.location) if reply.status_code == 303 else reply


def submit_element(client: FlaskClient, path: str, data: Mapping[str, Any]) -> TestResponse:
    """Submit the form as the element does in server mode."""
    return client.post(path, data=_form_data(data), headers=ELEMENT)


def _form_data(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return data if isinstance(data, MultiDict) else dict(data)


def fetch_response(call: Mapping[str, Any]) -> dict[str, Any] | None:
    """Make a call. Return the response as the element reports it; None without CORS headers."""
    headers = {**call["headers"], "Origin": "http://127.0.0.1:5000"}
    try:
        reply = requests.post(call["url"], json=call["body"], headers=headers, timeout=TIMEOUT)
    except requests.RequestException:
        return None
    if "Access-Control-Allow-Origin" not in reply.headers:
        return None
    body = reply.json() if reply.content and reply.status_code != 202 else None
    return {"status": reply.status_code, "body": body}


def make_calls(calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """Make the calls as the element does, and return the responses.

    A call with `after_any` is only made if an earlier one was accepted.
    """
    responses: list[dict[str, Any] | None] = []
    for call in calls:
        # a 409 for the back-in-stock call means a repeat
        accepted = any(response and response["status"] in (202, 409) for response in responses)
        responses.append(fetch_response(call) if accepted or not call["after_any"] else None)
    return responses


def submit_in_client_mode(client: FlaskClient, path: str, data: Mapping[str, Any]) -> TestResponse:
    """Submit the form as the element does in client mode: get calls, make them, report back."""
    reply = submit_element(client, path, data)
    while reply.get_json()["state"] == "send":
        responses = json.dumps(make_calls(reply.get_json()["calls"]))
        report = {**data, "sign_up": reply.get_json()["sign_up"], "answers": responses}
        reply = submit_element(client, path, report)
    return reply


@dataclass(frozen=True)
class Scenario:
    """The shop's mode, how the form is submitted, and the paths that are then called."""

    mode: str
    send: Callable[[FlaskClient, str, Mapping[str, Any]], TestResponse]
    paths: tuple[str, str]

    @property
    def from_browser(self) -> bool:
        """Whether the calls go to Klaviyo's client endpoints."""
        return self.paths == BROWSER_PATHS


SCENARIOS: dict[str, Scenario] = {
    "server mode, page": Scenario("server", submit_page, SERVER_PATHS),
    "server mode, element": Scenario("server", submit_element, SERVER_PATHS),
    "client mode, page": Scenario("client", submit_page, SERVER_PATHS),
    "client mode, element": Scenario("client", submit_in_client_mode, BROWSER_PATHS),
}
all_scenarios = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)


def scenario_params(cases: Mapping[str, Any], with_pages: Collection[str]) -> list[Any]:
    """Return pytest parameters: each case by the element in both modes, some also by the page."""
    return [
        pytest.param(scenario, *case, id=f"{name}-{scenario_name}")
        for name, case in cases.items()
        for scenario_name, scenario in SCENARIOS.items()
        if name in with_pages or scenario.send is not submit_page
    ]


def sign_up_calls(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the calls that sign up or subscribe, in order, without reads of the list."""
    return [call for call in sandbox.requests() if call["method"] == "POST"]


def valid_sign_up_calls(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the sign-up calls, after checking that the sandbox found no problem with them."""
    calls = sign_up_calls(sandbox)
    assert [call["problems"] for call in calls] == [[] for _ in calls]
    return calls


def paths_and_bodies(calls: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Return the path and body of each call."""
    return [(call["path"], call["body"]) for call in calls]


def back_in_stock(
    variant: str, channels: Sequence[str], identifiers: Mapping[str, str]
) -> dict[str, Any]:
    """Return the body of a back-in-stock subscription."""
    profile = {"type": "profile", "attributes": dict(identifiers)}
    return {
        "data": {
            "type": "back-in-stock-subscription",
            "attributes": {"channels": list(channels), "profile": {"data": profile}},
            "relationships": {"variant": {"data": {"type": "catalog-variant", "id": variant}}},
        }
    }


def subscription(
    scenario: Scenario,
    list_id: str,
    channels: Sequence[str],
    identifiers: Mapping[str, str],
    source: str = "Back in Stock",
) -> dict[str, Any]:
    """Return the body of the consent call: Subscribe Profiles, or Create Client Subscription."""
    consents = {channel.lower(): {"marketing": {"consent": "SUBSCRIBED"}} for channel in channels}
    profile = {"type": "profile", "attributes": {**identifiers, "subscriptions": consents}}
    to_list = {"list": {"data": {"type": "list", "id": list_id}}}
    profiles: dict[str, Any] = {"profiles": {"data": [profile]}}
    kind = "profile-subscription-bulk-create-job"
    if scenario.from_browser:
        profiles, kind = {"profile": {"data": profile}}, "subscription"
    return {
        "data": {
            "type": kind,
            "attributes": {"custom_source": source, **profiles},
            "relationships": to_list,
        }
    }


def profiles(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the sandbox's profiles with their consent."""
    return sandbox.read("profiles")


def double_opt_in(sandbox: Sandbox) -> None:
    """Switch the account's list to double opt-in."""
    sandbox.set("list", opt_in_process="double_opt_in")


def field_errors(root: Element) -> dict[str, str]:
    """Return the error of each invalid field, after checking that its controls refer to it.

    The name of a consent checkbox contains its channel: `sms-consent`.
    """
    errors = {}
    for error in root.all("p", class_="notify-me__error"):
        match = re.fullmatch(r"notify-me-(?:[0-9a-f]{6}-)?(.+)-error", error["id"])
        assert match, error["id"]
        name = match[1]
        controls = [
            element
            for element in root.all()
            if error["id"] in (element.get("aria-describedby") or "").split()
        ]
        if error.get("role") != "alert":
            assert controls, f"nothing refers to {error['id']}"
        for control in controls:
            assert control.tag == "fieldset" or control["aria-invalid"] == "true"
            if name.endswith("-consent"):
                # the error is read before the legal text, which is long
                assert control["aria-describedby"].split()[0] == error["id"]
                assert control["value"] == name.removesuffix("-consent").upper()
        errors[name] = error.text
    return errors


def checked_boxes(root: Element) -> set[tuple[str, str]]:
    """Return the name and value of each ticked checkbox."""
    boxes = root.all("input", type="checkbox")
    return {(box["name"], box["value"]) for box in boxes if "checked" in box}


def text_with_links(element: Element) -> str:
    """Return the element's text, with the URL of each link in parentheses after the link's text."""

    def parts(inside: Element) -> str:
        text = "".join(
            child if isinstance(child, str) else parts(child) for child in inside.children
        )
        return f"{text} ({inside['href']})" if inside.tag == "a" else text

    return " ".join(parts(element).split())
