"""The pages: they show what happened, escape it, and need no script."""

import re
from html.parser import HTMLParser

import pytest

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    OTHER_EMAIL,
    PHONE,
    VARIANT,
    RunningSandbox,
    body,
    consent_to,
    person,
)

HOSTILE = "<script>alert(1)</script>\"'&"
VOID = {"meta", "link", "img", "br", "input", "wbr"}


class StrictParser(HTMLParser):
    """Asserts that every element is closed in order and that IDs are unique."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.inline = 0
        self.feed(page)
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element."""
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.inline += sum(name == "style" or name.startswith("on") for name, _ in attrs)
        self.inline += tag == "style" or (tag == "script" and "src" not in dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert self.open.pop() == tag


def page(sandbox: RunningSandbox, path: str, status: int = 200) -> str:
    """Return a page, which must be well-formed and free of inline scripts and styles."""
    reply = sandbox.request("GET", path)
    assert reply.status_code == status
    parser = StrictParser(reply.text)
    assert (parser.inline, parser.tags.count("h1"), parser.tags.count("main")) == (0, 1, 1)
    return reply.text


def test_overview_shows_account_and_operations(sandbox: RunningSandbox) -> None:
    """The overview never shows the private key."""
    overview = page(sandbox, "/")

    account = sandbox.account
    for text in ("This is not Klaviyo", account.public_key, account.list_id, sandbox.url):
        assert text in overview
    assert account.private_key not in overview
    assert overview.count("back-in-stock-subscriptions</code>") == 2
    assert "Create client subscription: 350 per second, 750 per minute" in overview


def test_empty_pages_say_so(sandbox: RunningSandbox) -> None:
    for path, text in (
        ("/requests", "No requests yet"),
        ("/waiting", "No sign-ups"),
        ("/profiles", "No profiles yet"),
        ("/mailbox", "No messages yet"),
        ("/flow", "The catalog is empty"),
    ):
        assert text in page(sandbox, path)


def test_request_is_shown(sandbox: RunningSandbox) -> None:
    """The list links to each request, newest first."""
    for _ in range(3):
        sandbox.server_call()

    assert re.findall(r'href="/requests/(\d+)"', page(sandbox, "/requests")) == ["3", "2", "1"]
    detail = page(sandbox, "/requests/1")
    for text in ("202", "2026-10-15", EMAIL, VARIANT, "The subscription is being processed"):
        assert text in detail


def test_waiting_list_shows_who_can_be_reached(sandbox: RunningSandbox) -> None:
    sandbox.server_call(body(channels=["SMS"], phone_number=PHONE))
    waiting = page(sandbox, "/waiting")
    for text in (PHONE, VARIANT, "1 sign-up. A profile", 'class="quiet">none<'):
        assert text in waiting

    sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))

    assert page(sandbox, "/waiting").count('class="tag">SMS<') == 2


def test_everything_is_escaped(sandbox: RunningSandbox) -> None:
    """Paths, headers, bodies, composite IDs and sources are escaped."""
    variant = f"$custom:::$default:::{HOSTILE}"
    assert sandbox.server_call(body(variant=variant), X_Hostile=HOSTILE).status_code == 202
    sandbox.server_call(HOSTILE.encode(), Origin=HOSTILE)
    sandbox.request("POST", f"/api/{HOSTILE}")
    sandbox.subscribe(sent=sandbox.job(custom_source=HOSTILE))

    for path in ("/requests", "/requests/1", "/requests/2", "/requests/3", "/waiting", "/profiles"):
        assert "<script>" not in page(sandbox, path)
    for path in ("/waiting", "/profiles"):
        assert "&lt;script&gt;" in page(sandbox, path)


@pytest.mark.parametrize("path", ["/requests/1", "/requests/999999999999", "/nothing"])
def test_missing_page_is_404(sandbox: RunningSandbox, path: str) -> None:
    text = page(sandbox, path, status=404)
    assert "404 Not Found" in text
    assert ("There is no page at this URL." in text) is (path == "/nothing")


def test_profiles_show_their_consent(sandbox: RunningSandbox) -> None:
    """The page shows the status, date, source and list of each channel's consent."""
    both = person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE)
    sandbox.subscribe(both)
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.client_subscribe(person(email=OTHER_EMAIL))
    sandbox.server_call(body(email=f"carl@{'x' * 40}.example.org"))

    shown = page(sandbox, "/profiles")

    first, second, third = shown.split('<th scope="row">')[1:]
    assert f"{EMAIL}, {PHONE}" in first
    assert first.count(">subscribed<") == 2
    assert first.count("never subscribed") == 1
    for text in (">24 Nov 2026, 12:00</time>", "source Back in stock", sandbox.account.list_id):
        assert text in first
    assert second.count(">pending confirmation<") == 1
    assert third.count("never subscribed") == 3
    overview = page(sandbox, "/")
    assert "<b>3</b> profiles</a>" in overview
    assert "double opt-in" in overview


def test_ignored_subscription_has_a_note(sandbox: RunningSandbox) -> None:
    sandbox.subscribe()
    sandbox.clock.move(120)
    sandbox.subscribe()

    assert "1 note" in page(sandbox, "/requests")
    ignored = page(sandbox, "/requests/2")
    assert "the last one was 2 minutes ago" in ignored
    assert "See the notes below" in ignored
    assert "See the notes below" not in page(sandbox, "/requests/1")
