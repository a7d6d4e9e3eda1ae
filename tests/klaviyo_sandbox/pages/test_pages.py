"""The pages: they show what happened, escape what they show, and need no script."""

import re
from html.parser import HTMLParser

import pytest

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    PHONE,
    VARIANT,
    Running,
    body,
    consent_to,
    person,
)

HOSTILE = "<script>alert(1)</script>\"'&"
VOID = {"meta", "link", "img", "br", "input"}


class Outline(HTMLParser):
    """Reads a page strictly: every element is closed in order, IDs are unique."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.styles = 0
        self.feed(page)
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.styles += sum(name == "style" or name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note that it ends."""
        assert self.open.pop() == tag


def page(sandbox: Running, path: str, status: int = 200) -> str:
    """Return a page that must be whole and free of scripts and inline styles."""
    reply = sandbox.ask("GET", path)
    assert status == reply.status_code
    outline = Outline(reply.text)
    assert not {"script", "style"} & set(outline.tags)
    assert (outline.styles, outline.tags.count("h1"), outline.tags.count("main")) == (0, 1, 1)
    return reply.text


def test_the_overview_says_what_this_is(sandbox: Running) -> None:
    """It names the account, the base URL and the operations, and hides the key."""
    overview = page(sandbox, "/")

    account = sandbox.account
    for words in ("This is not Klaviyo", account.public_key, account.list_id, sandbox.url):
        assert words in overview
    assert account.private_key not in overview
    assert overview.count("back-in-stock-subscriptions</code>") == 2


def test_empty_pages_say_what_will_be_there(sandbox: Running) -> None:
    """Before anything happens the lists say so."""
    assert "No requests yet" in page(sandbox, "/requests")
    assert "No sign-ups" in page(sandbox, "/waiting")
    assert "No profiles yet" in page(sandbox, "/profiles")


def test_a_request_is_shown(sandbox: Running) -> None:
    """The list links to the request, which shows headers, body, status and meaning."""
    sandbox.server_call()

    listing = page(sandbox, "/requests")
    assert 'href="/requests/1"' in listing
    detail = page(sandbox, "/requests/1")
    for words in ("202", "2026-07-15", EMAIL, VARIANT, "The subscription is being processed"):
        assert words in detail


def test_the_newest_request_comes_first(sandbox: Running) -> None:
    """A developer looks at the last call, not at the first."""
    for _ in range(3):
        sandbox.server_call()

    assert re.findall(r'href="/requests/(\d+)"', page(sandbox, "/requests")) == ["3", "2", "1"]


def test_the_waiting_list_is_shown(sandbox: Running) -> None:
    """Who waits, for what, by which channel."""
    sandbox.server_call()

    waiting = page(sandbox, "/waiting")
    for words in (EMAIL, VARIANT, "EMAIL", "1 sign-up,"):
        assert words in waiting


def test_what_was_sent_is_escaped(sandbox: Running) -> None:
    """Markup in a path, a header, a body or a variant's ID is shown as text."""
    variant = f"$custom:::$default:::{HOSTILE}"
    assert sandbox.server_call(body(variant=variant), X_Hostile=HOSTILE).status_code == 202
    sandbox.server_call(HOSTILE.encode(), Origin=HOSTILE)
    sandbox.ask("POST", f"/api/{HOSTILE}")

    for path in ("/requests", "/requests/1", "/requests/2", "/requests/3", "/waiting"):
        assert "<script>" not in page(sandbox, path)
    assert "&lt;script&gt;" in page(sandbox, "/waiting")


@pytest.mark.parametrize("path", ["/requests/1", "/requests/999999999999", "/nothing"])
def test_a_missing_page_is_a_page(sandbox: Running, path: str) -> None:
    """A link to what has left the record leads to a page that says so."""
    assert "404 Not Found" in page(sandbox, path, status=404)


def test_profiles_show_their_consent(sandbox: Running) -> None:
    """Each channel's state in words, since when, by which source and list, or by none."""
    both = person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE)
    sandbox.subscribe(both)
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.client_subscribe(person(email="bea@shop.example.org"))
    sandbox.server_call(body(email=f"carl@{'x' * 40}.example.org"))

    shown = page(sandbox, "/profiles")

    first, second, third = shown.split('<th scope="row">')[1:]
    assert f"{EMAIL}, {PHONE}" in first
    assert first.count(">subscribed<") == 2
    assert first.count("never subscribed") == 1
    for words in ("2026-11-24 12:00:00", "source Back in stock", sandbox.account.list_id):
        assert words in first
    assert second.count(">pending confirmation<") == 1
    assert third.count("never subscribed") == 3
    overview = page(sandbox, "/")
    assert "<b>3</b> profiles</a>" in overview
    assert "double opt in" in overview
    assert overview.count('href="/profiles"') == 2


def test_a_source_is_escaped(sandbox: Running) -> None:
    """Markup in a source is shown as text."""
    sandbox.subscribe(sent=sandbox.job(custom_source=HOSTILE))

    assert "&lt;script&gt;" in page(sandbox, "/profiles")


def test_the_waiting_list_says_who_is_reached(sandbox: Running) -> None:
    """A text that would reach nobody is seen before it is sent."""
    sandbox.server_call(body(channels=["SMS"], phone_number=PHONE))
    assert 'class="quiet">none<' in page(sandbox, "/waiting")

    sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))

    assert page(sandbox, "/waiting").count('class="tag">SMS<') == 2


def test_what_was_ignored_is_told(sandbox: Running) -> None:
    """The list and the request's page say that an accepted subscribe did nothing."""
    sandbox.subscribe()
    sandbox.clock.move(120)
    sandbox.subscribe()

    assert "1 note" in page(sandbox, "/requests")
    assert "ignored: subscribed 2 minutes ago" in page(sandbox, "/requests/2")
    assert "See the result below" in sentence(sandbox, 2)
    assert "See the result below" not in sentence(sandbox, 1)


def sentence(sandbox: Running, number: int) -> str:
    """Return what a request's page says that it means."""
    shown = page(sandbox, f"/requests/{number}")
    [found] = re.findall(r"What it means</h2>\s*<p>([^<]+)</p>", shown)
    return str(found)
