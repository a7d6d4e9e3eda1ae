"""The mailbox: messages as their recipients see them, with a link to the product."""

from __future__ import annotations

import html

import pytest

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    OTHER_PHONE,
    PHONE,
    SHOP,
    RunningSandbox,
    body,
    composite_id,
    consent_to,
    person,
)
from tests.klaviyo_sandbox.pages.test_forms import submit
from tests.klaviyo_sandbox.pages.test_pages import HOSTILE, page

LINK = f'href="{SHOP}/products/jacket?variant=jacket-m"'


@pytest.fixture
def mailed(sandbox: RunningSandbox) -> RunningSandbox:
    """A sandbox that sent an email, a text and a WhatsApp message, and skipped a text."""
    sandbox.add("jacket-m", image_full_url=f"{SHOP}/jacket.jpg")
    sandbox.server_call(
        body(channels=["EMAIL", "SMS", "WHATSAPP"], email=EMAIL, phone_number=PHONE)
    )
    sandbox.subscribe(person(consent_to("sms", "whatsapp"), email=EMAIL, phone_number=PHONE))
    sandbox.server_call(body(channels=["SMS"], phone_number=OTHER_PHONE))
    sandbox.stock("jacket-m", 1)
    return sandbox


def test_newest_message_comes_first(mailed: RunningSandbox) -> None:
    mailbox = page(mailed, "/mailbox")

    positions = [mailbox.index(f'href="/mailbox/{number}"') for number in (4, 3, 2, 1)]
    assert positions == sorted(positions)
    assert "4 messages from the flow" in mailbox


def test_email_is_rendered(mailed: RunningSandbox) -> None:
    email = page(mailed, "/mailbox/1")

    for text in ("Back in stock: JACKET-M", f"to {EMAIL}", LINK, "Shop now"):
        assert text in email
    assert f'src="{SHOP}/jacket.jpg"' in email


@pytest.mark.parametrize(("number", "channel"), [(2, "sms"), (3, "whatsapp")])
def test_text_is_shown_as_on_a_phone(mailed: RunningSandbox, number: int, channel: str) -> None:
    phone = page(mailed, f"/mailbox/{number}")

    for text in (f"phone--{channel}", "JACKET-M is back in stock.", LINK, f"message to {PHONE}"):
        assert text in phone


def test_skipped_text_shows_the_reason(mailed: RunningSandbox) -> None:
    message = page(mailed, "/mailbox/4")

    assert "Skipped:" in message
    assert "not subscribed to SMS marketing" in message
    assert "skipped</span>" in page(mailed, "/mailbox")


def test_message_of_a_manual_flow_can_be_sent(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.set("flow", status="manual")
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)
    assert "Send message" in page(sandbox, "/mailbox/1")

    sent = submit(sandbox, "/mailbox/1/send")

    assert "Message sent." in sent
    assert "Send message" not in sent
    assert sandbox.recipients() == [EMAIL]


def test_conversation_shows_earlier_texts(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", "jacket-l")
    sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))
    for name in ("jacket-m", "jacket-l"):
        sandbox.server_call(body(channels=["SMS"], phone_number=PHONE, variant=composite_id(name)))
        sandbox.stock(name, 1)

    later, earlier = page(sandbox, "/mailbox/2"), page(sandbox, "/mailbox/1")

    assert later.index(": JACKET-M is back") < later.index(": JACKET-L is back")
    assert ": JACKET-L is back" not in earlier


def test_images_on_other_hosts_are_not_requested(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", image_full_url="https://cdn.example.org/jacket.jpg")
    sandbox.sign_up(EMAIL)

    sandbox.stock("jacket-m", 1)

    assert "cdn.example.org" not in page(sandbox, "/mailbox")


def test_titles_are_escaped(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", title=HOSTILE)
    sandbox.server_call(body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE))
    sandbox.stock("jacket-m", 1)

    for path in ("/mailbox/1", "/mailbox/2", "/flow"):
        shown = page(sandbox, path)
        assert "<script>" not in shown
        assert HOSTILE in html.unescape(shown)


def test_missing_message_is_404(sandbox: RunningSandbox) -> None:
    assert "no such message" in page(sandbox, "/mailbox/9", 404)
