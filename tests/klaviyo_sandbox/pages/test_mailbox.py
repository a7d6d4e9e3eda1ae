"""The mailbox: messages as their receivers see them, each with a link to the product."""

from __future__ import annotations

import html

import pytest

from tests.klaviyo_sandbox.conftest import EMAIL, PHONE, SHOP, Running, body, consent_to, person
from tests.klaviyo_sandbox.pages.test_forms import posted
from tests.klaviyo_sandbox.pages.test_pages import HOSTILE, page

LINK = f'href="{SHOP}/products/jacket?variant=jacket-m"'


@pytest.fixture
def mailed(sandbox: Running) -> Running:
    """Return a sandbox that sent an email, a text and a WhatsApp message, and left one text out."""
    sandbox.add("jacket-m", image_full_url=f"{SHOP}/jacket.jpg")
    sandbox.server_call(
        body(channels=["EMAIL", "SMS", "WHATSAPP"], email=EMAIL, phone_number=PHONE)
    )
    sandbox.subscribe(person(consent_to("sms", "whatsapp"), email=EMAIL, phone_number=PHONE))
    sandbox.server_call(body(channels=["SMS"], phone_number="+12025550166"))
    sandbox.stock("jacket-m", 1)
    return sandbox


def test_an_empty_mailbox_says_what_will_be_there(sandbox: Running) -> None:
    """And where the flow is."""
    assert "No messages yet" in page(sandbox, "/mailbox")


def test_the_newest_message_comes_first(mailed: Running) -> None:
    """Each links to its own page."""
    shown = page(mailed, "/mailbox")

    places = [shown.index(f'href="/mailbox/{number}"') for number in (4, 3, 2, 1)]
    assert places == sorted(places)
    assert "4 messages from the flow" in shown


def test_an_email_is_rendered(mailed: Running) -> None:
    """Envelope, picture, words and a button that leads to the product."""
    shown = page(mailed, "/mailbox/1")

    for words in ("Back in stock: JACKET-M", f"to {EMAIL}", LINK, "Shop now"):
        assert words in shown
    assert f'src="{SHOP}/jacket.jpg"' in shown


@pytest.mark.parametrize(("number", "kind"), [(2, "sms"), (3, "whatsapp")])
def test_a_text_is_shown_as_on_a_phone(mailed: Running, number: int, kind: str) -> None:
    """The sender, the number, and the text with its link."""
    shown = page(mailed, f"/mailbox/{number}")

    for words in (f"phone--{kind}", "JACKET-M is back in stock.", LINK, f"on {PHONE}"):
        assert words in shown


def test_a_text_that_was_left_out_says_why(mailed: Running) -> None:
    """It is no message that anybody got."""
    shown = page(mailed, "/mailbox/4")

    assert "Skipped:" in shown
    assert "not subscribed to SMS marketing" in shown
    assert "skipped</span>" in page(mailed, "/mailbox")


def test_a_held_message_is_sent_by_hand(sandbox: Running) -> None:
    """From its page; then it is like any other."""
    sandbox.add("jacket-m")
    sandbox.set("flow", status="manual")
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)
    assert "Send message" in page(sandbox, "/mailbox/1")

    shown = posted(sandbox, "/mailbox/1/send")

    assert "Message sent." in shown
    assert "Send message" not in shown
    assert sandbox.told() == [EMAIL]


def test_an_earlier_text_stands_above_a_later_one(sandbox: Running) -> None:
    """A phone shows the conversation, of that number alone."""
    sandbox.add("jacket-m", "jacket-l")
    sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))
    for name in ("jacket-m", "jacket-l"):
        variant = f"$custom:::$default:::{name}"
        sandbox.server_call(body(channels=["SMS"], phone_number=PHONE, variant=variant))
        sandbox.stock(name, 1)

    later, earlier = page(sandbox, "/mailbox/2"), page(sandbox, "/mailbox/1")

    assert later.index(": JACKET-M is back") < later.index(": JACKET-L is back")
    assert ": JACKET-L is back" not in earlier


def test_a_picture_comes_from_this_machine_alone(sandbox: Running) -> None:
    """Another host's isn't asked for: nothing leaves this machine."""
    sandbox.add("jacket-m", image_full_url="https://cdn.example.org/jacket.jpg")
    sandbox.sign_up(EMAIL)

    sandbox.stock("jacket-m", 1)

    assert "cdn.example.org" not in page(sandbox, "/mailbox")


def test_what_a_catalog_says_is_escaped(sandbox: Running) -> None:
    """A title can't become markup, neither in an email nor in a text."""
    sandbox.add("jacket-m", title=HOSTILE)
    sandbox.server_call(body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE))
    sandbox.stock("jacket-m", 1)

    for path in ("/mailbox/1", "/mailbox/2", "/flow"):
        shown = page(sandbox, path)
        assert "<script>" not in shown
        assert HOSTILE in html.unescape(shown)


def test_a_message_that_is_not_there(sandbox: Running) -> None:
    """It is a page that says so."""
    assert "no such message" in page(sandbox, "/mailbox/9", 404)
