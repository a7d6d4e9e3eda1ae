"""Shops that offer more than email, the ways to sign up there, and the calls that come of it."""

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
    """A settings file that offers these channels; an entry that is None is left out."""
    entries = {
        "brand": "Smirr",
        "terms_of_service_url": TERMS,
        "privacy_policy_url": PRIVACY,
        **consent,
    }
    # JSON's strings, lists and booleans are TOML's as well
    lines = [
        f"{name} = {json.dumps(value)}" for name, value in entries.items() if value is not None
    ]
    channels = f"[channels]\noffered = {json.dumps(list(offered))}\ndefault_region = {region!r}\n"
    return channels + "[consent]\n" + "\n".join(lines) + "\n"


def settings_file(folder: Path, text: str) -> str:
    """The path of a new settings file with this text."""
    path = folder / f"notify_me_{len([*folder.glob('notify_me_*.toml')])}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def by_page(client: FlaskClient, path: str, data: Mapping[str, Any]) -> TestResponse:
    """A plain form post; the redirect to the done page is followed."""
    reply = client.post(path, data=dict(data))
    return client.get(reply.location) if reply.status_code == 303 else reply


def by_element(client: FlaskClient, path: str, data: Mapping[str, Any]) -> TestResponse:
    """The element's post, which is all there is to it in server mode."""
    return client.post(path, data=dict(data), headers=ELEMENT)


def fetched(call: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `fetch` gives for one call; a reply without CORS headers is none."""
    headers = {**call["headers"], "Origin": "http://127.0.0.1:5000"}
    try:
        reply = requests.post(call["url"], json=call["body"], headers=headers, timeout=TIMEOUT)
    except requests.RequestException:
        return None
    if "Access-Control-Allow-Origin" not in reply.headers:
        return None
    body = reply.json() if reply.content and reply.status_code != 202 else None
    return {"status": reply.status_code, "body": body}


def made(calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """The answers to the calls of a reply; one that waits for an acceptance may not be made."""
    answers: list[dict[str, Any] | None] = []
    for call in calls:
        # a 409 on back in stock is a repeat
        accepted = any(answer and answer["status"] in (202, 409) for answer in answers)
        answers.append(fetched(call) if accepted or not call["after_any"] else None)
    return answers


def by_browser(client: FlaskClient, path: str, data: Mapping[str, Any]) -> TestResponse:
    """The element's way in client mode: ask for the calls, make them, report how they went."""
    sent = by_element(client, path, data)
    assert sent.json is not None
    if sent.json["state"] != "send":
        return sent
    answers = json.dumps(made(sent.json["calls"]))
    return by_element(client, path, {**data, "sign_up": sent.json["sign_up"], "answers": answers})


@dataclass(frozen=True)
class Way:
    """A mode of the shop's, what the shopper has, and whose calls those are."""

    mode: str
    send: Callable[[FlaskClient, str, Mapping[str, Any]], TestResponse]
    paths: tuple[str, str]

    @property
    def from_browser(self) -> bool:
        """Whether the calls go to Klaviyo's client endpoints."""
        return self.paths == BROWSER_PATHS


WAYS = {
    "server mode, page": Way("server", by_page, SERVER_PATHS),
    "server mode, element": Way("server", by_element, SERVER_PATHS),
    "client mode, page": Way("client", by_page, SERVER_PATHS),
    "client mode, element": Way("client", by_browser, BROWSER_PATHS),
}


def pairs(cases: Mapping[str, Any], by_page_too: Collection[str]) -> list[Any]:
    """pytest's parameters: each case through the element in both modes; these by pages as well."""
    return [
        pytest.param(way, *case, id=f"{name}-{way_name}")
        for name, case in cases.items()
        for way_name, way in WAYS.items()
        if name in by_page_too or way.send is not by_page
    ]


def posts(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The calls that sign somebody up, in order; the list may have been read besides."""
    return [call for call in sandbox.requests() if call["method"] == "POST"]


def sound_posts(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The same, after checking that none of them breaks a rule."""
    calls = posts(sandbox)
    assert [call["problems"] for call in calls] == [[] for _ in calls]
    return calls


def sent_to(calls: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Path and body of each call."""
    return [(call["path"], call["body"]) for call in calls]


def back_in_stock(
    variant: str, channels: Sequence[str], identifiers: Mapping[str, str]
) -> dict[str, Any]:
    """The body of a back-in-stock subscription."""
    profile = {"type": "profile", "attributes": dict(identifiers)}
    return {
        "data": {
            "type": "back-in-stock-subscription",
            "attributes": {"channels": list(channels), "profile": {"data": profile}},
            "relationships": {"variant": {"data": {"type": "catalog-variant", "id": variant}}},
        }
    }


def subscription(
    way: Way,
    list_id: str,
    channels: Sequence[str],
    identifiers: Mapping[str, str],
    source: str = "Back in Stock",
) -> dict[str, Any]:
    """The body of the consent call: Subscribe Profiles, or Create Client Subscription."""
    given = {channel.lower(): {"marketing": {"consent": "SUBSCRIBED"}} for channel in channels}
    profile = {"type": "profile", "attributes": {**identifiers, "subscriptions": given}}
    to_list = {"list": {"data": {"type": "list", "id": list_id}}}
    whom: dict[str, Any] = {"profiles": {"data": [profile]}}
    kind = "profile-subscription-bulk-create-job"
    if way.from_browser:
        whom, kind = {"profile": {"data": profile}}, "subscription"
    return {
        "data": {
            "type": kind,
            "attributes": {"custom_source": source, **whom},
            "relationships": to_list,
        }
    }


def profiles(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Klaviyo's profiles with their consent."""
    reply = requests.get(f"{sandbox.url}/_sandbox/profiles", timeout=TIMEOUT)
    found: list[dict[str, Any]] = reply.json()["profiles"]
    return found


def set_sandbox(sandbox: Sandbox, name: str, **values: object) -> None:
    """Change what the account is like: its list, or its regions."""
    reply = requests.put(f"{sandbox.url}/_sandbox/{name}", json=values, timeout=TIMEOUT)
    assert reply.status_code == 200, reply.text


def double_opt_in(sandbox: Sandbox) -> None:
    """The account's list asks new subscribers to confirm."""
    set_sandbox(sandbox, "list", opt_in_process="double_opt_in")


def beside(root: Element) -> dict[str, str]:
    """The sentence beside each field that is wrong, after checking that controls point to it.

    A box for consent goes by its channel: `sms-consent`.
    """
    found = {}
    for error in root.all("p", class_="notify-me__error"):
        named = re.fullmatch(r"notify-me-(?:[0-9a-f]{6}-)?(.+)-error", error["id"])
        assert named, error["id"]
        name = named[1]
        pointing = [
            element
            for element in root.all()
            if error["id"] in (element.get("aria-describedby") or "").split()
        ]
        if error.get("role") != "alert":
            assert pointing, f"nothing points to {error['id']}"
        for control in pointing:
            assert control.tag == "fieldset" or control["aria-invalid"] == "true"
            if name.endswith("-consent"):
                # the error is read before the legal text, which is long
                assert control["aria-describedby"].split()[0] == error["id"]
                assert control["value"] == name.removesuffix("-consent").upper()
        found[name] = error.text
    return found


def ticked(root: Element) -> set[tuple[str, str]]:
    """Name and value of the boxes that are ticked."""
    boxes = root.all("input", type="checkbox")
    return {(box["name"], box["value"]) for box in boxes if "checked" in box}


def words_of(element: Element) -> str:
    """The element's text as a person reads it, with the address of each link behind its words."""

    def parts(inside: Element) -> str:
        text = "".join(
            child if isinstance(child, str) else parts(child) for child in inside.children
        )
        return f"{text} ({inside['href']})" if inside.tag == "a" else text

    return " ".join(parts(element).split())
