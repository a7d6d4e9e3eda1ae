"""The flow: who is notified of a restock, when, and by which channel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    NOON,
    OTHER_EMAIL,
    OTHER_PHONE,
    PHONE,
    SHOP,
    VARIANT,
    RunningSandbox,
    body,
    consent_to,
    job_body,
    person,
    update_body,
    variant_body,
)


def emails(number: int) -> list[str]:
    """Return this many email addresses."""
    return [f"shopper{index}@shop.example.org" for index in range(number)]


def test_restock_notifies_the_waiting_list(sandbox: RunningSandbox) -> None:
    """Notified shoppers leave the waiting list."""
    sandbox.add("jacket-m", "jacket-l")
    sandbox.sign_up(EMAIL)
    sandbox.sign_up(OTHER_EMAIL, variant="jacket-l")

    sandbox.stock("jacket-m", 1)

    [message] = sandbox.read("messages")
    text = message.pop("body")
    assert f"{SHOP}/products/jacket?variant=jacket-m" in text
    assert "JACKET-M is back in stock" in text
    assert message == {
        "id": 1,
        "to": EMAIL,
        "channel": "EMAIL",
        "variant": VARIANT,
        "title": "JACKET-M",
        "url": f"{SHOP}/products/jacket?variant=jacket-m",
        "subject": "Back in stock: JACKET-M",
        "status": "sent",
        "reason": None,
        "created_at": NOON,
        "sent_at": NOON,
    }
    assert [waiting["profile"]["email"] for waiting in sandbox.read("waiting")] == [OTHER_EMAIL]


def test_example_from_klaviyos_help_center(sandbox: RunningSandbox) -> None:
    """With 20 units and 5 customers per unit, the oldest 100 sign-ups are notified immediately, and
    the others after the wait.
    """
    customers = emails(130)
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=5, wait_seconds=3600)
    sandbox.sign_up(*customers)

    sandbox.stock("jacket-m", 20)

    assert sandbox.recipients() == customers[:100]
    sandbox.advance(3599)
    assert len(sandbox.recipients()) == 100
    sandbox.advance(1)
    assert sandbox.recipients() == customers
    assert sandbox.read("waiting") == []


def test_stock_is_read_again_after_the_wait(sandbox: RunningSandbox) -> None:
    """If the stock has fallen below the minimum, nobody else is notified."""
    customers = emails(7)
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=2, wait_seconds=60, minimum_inventory=2)
    sandbox.sign_up(*customers)
    sandbox.stock("jacket-m", 2)
    assert len(sandbox.recipients()) == 4

    sandbox.stock("jacket-m", 1)
    sandbox.advance(60)

    assert len(sandbox.recipients()) == 4
    sandbox.stock("jacket-m", 2)
    assert sandbox.recipients() == customers


def test_restock_during_the_wait_notifies_nobody(sandbox: RunningSandbox) -> None:
    """A restock does not extend the wait, after which new sign-ups are notified too."""
    sandbox.add("jacket-m")
    sandbox.set("flow", wait_seconds=60)
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)
    sandbox.stock("jacket-m", 0)
    sandbox.sign_up(OTHER_EMAIL)
    sandbox.advance(30)

    sandbox.stock("jacket-m", 5)

    assert sandbox.recipients() == [EMAIL]
    assert "the flow is waiting until 2026-11-24T12:01:00+00:00" in sandbox.notes()[0]
    sandbox.advance(30)
    assert sandbox.recipients() == [EMAIL, OTHER_EMAIL]


def test_each_variant_has_its_own_wait(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", "jacket-l")
    sandbox.set("flow", wait_seconds=60)
    sandbox.sign_up(EMAIL)
    sandbox.sign_up(OTHER_EMAIL, variant="jacket-l")
    sandbox.stock("jacket-m", 1)

    sandbox.stock("jacket-l", 1)

    assert sandbox.recipients() == [EMAIL, OTHER_EMAIL]


def test_several_waits_may_end_in_one_step(sandbox: RunningSandbox) -> None:
    """If the clock is moved past several waits at once, each round of notifications has its own
    time.
    """
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=1, wait_seconds=60)
    sandbox.sign_up(*emails(3))
    sandbox.stock("jacket-m", 1)

    sandbox.advance(600)

    times = [message["sent_at"][11:19] for message in sandbox.read("messages")]
    assert times == ["12:00:00", "12:01:00", "12:02:00"]


def test_waits_end_as_real_time_passes(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=1, wait_seconds=60)
    sandbox.sign_up(*emails(2))
    sandbox.stock("jacket-m", 1)

    sandbox.clock.move(60)

    assert len(sandbox.recipients()) == 2


def test_without_a_wait_everybody_is_notified_at_once(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=1)
    sandbox.sign_up(*emails(5))

    sandbox.stock("jacket-m", 2)

    assert sandbox.recipients() == emails(5)


@pytest.mark.parametrize(("stock", "notified"), [(2, 0), (2.9, 0), (3, 1)])
def test_minimum_inventory(sandbox: RunningSandbox, stock: float, notified: int) -> None:
    sandbox.add("jacket-m")
    sandbox.set("flow", minimum_inventory=3)
    sandbox.sign_up(EMAIL)

    sandbox.stock("jacket-m", stock)

    assert (len(sandbox.recipients()), len(sandbox.read("waiting"))) == (notified, 1 - notified)


def test_unchanged_stock_notifies_nobody(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", stock=5)
    sandbox.sign_up(EMAIL)

    sandbox.stock("jacket-m", 5)
    sandbox.api("PATCH", f"catalog-variants/{VARIANT}", update_body("jacket-m", price=1))

    assert sandbox.recipients() == []
    sandbox.stock("jacket-m", 6)
    assert sandbox.recipients() == [EMAIL]


@pytest.mark.parametrize("action", ["update", "create"])
def test_bulk_jobs_restock_too(sandbox: RunningSandbox, action: str) -> None:
    sandbox.sign_up(EMAIL)
    sandbox.sign_up(OTHER_EMAIL, variant="jacket-l")
    names = ("jacket-m", "jacket-l")
    sandbox.add(*(names if action == "update" else ()))
    make: Any = update_body if action == "update" else variant_body
    bodies = [make(name, inventory_quantity=1) for name in names]

    path = f"catalog-variant-bulk-{action}-jobs"
    sandbox.api("POST", path, job_body(action, "variants", *bodies)).raise_for_status()

    assert sandbox.recipients() == [EMAIL, OTHER_EMAIL]
    assert sandbox.notes() == ["Notified 1 of 1 person, 0 still waiting"] * 2


def test_draft_flow_ignores_sign_ups(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.set("flow", status="draft")

    sandbox.sign_up(EMAIL)

    assert sandbox.read("waiting") == []
    assert sandbox.notes() == ["ignored: the flow is a draft"]
    sandbox.set("flow", status="live")
    sandbox.stock("jacket-m", 1)
    assert sandbox.read("messages") == []


def test_draft_flow_notifies_nobody(sandbox: RunningSandbox) -> None:
    """Earlier sign-ups wait until the flow is live and the stock changes again."""
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL)
    sandbox.set("flow", status="draft")

    sandbox.stock("jacket-m", 1)

    assert (sandbox.recipients(), len(sandbox.read("waiting"))) == ([], 1)
    sandbox.set("flow", status="live")
    sandbox.stock("jacket-m", 2)
    assert sandbox.recipients() == [EMAIL]


def test_messages_of_a_manual_flow_are_sent_by_hand(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.set("flow", status="manual")
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)

    [message] = sandbox.read("messages")
    assert (message["status"], message["sent_at"], sandbox.read("waiting")) == ("manual", None, [])
    sandbox.clock.move(60)
    path = f"/_sandbox/messages/{message['id']}/send"
    sent = sandbox.request("POST", path).json()

    assert (sent["status"], sent["sent_at"]) == ("sent", "2026-11-24T12:01:00+00:00")
    assert sandbox.recipients() == [EMAIL]
    assert sandbox.request("POST", path).status_code == 409
    assert sandbox.request("POST", "/_sandbox/messages/99/send").status_code == 404


def test_texts_are_only_sent_to_marketing_subscribers(sandbox: RunningSandbox) -> None:
    """Only the consent at the time of the restock counts."""
    sandbox.add("jacket-m")
    sandbox.server_call(body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE))
    sandbox.server_call(body(channels=["SMS"], phone_number=OTHER_PHONE))
    sandbox.subscribe(person(consent_to("sms"), email=EMAIL, phone_number=PHONE))
    sandbox.subscribe(person(consent_to("sms", purpose="transactional"), phone_number=OTHER_PHONE))

    sandbox.stock("jacket-m", 1)

    email, text, skipped = sandbox.read("messages")
    assert (email["channel"], email["to"], email["status"]) == ("EMAIL", EMAIL, "sent")
    assert (text["channel"], text["to"], text["status"]) == ("SMS", PHONE, "sent")
    assert text["subject"] is None
    assert text["body"].startswith("Your shop: JACKET-M is back in stock. http")
    assert (skipped["to"], skipped["status"]) == (OTHER_PHONE, "skipped")
    assert skipped["reason"] == "not subscribed to SMS marketing"
    assert skipped["sent_at"] is None
    assert sandbox.read("waiting") == []


def test_unconfirmed_subscriber_gets_no_text(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.server_call(body(channels=["SMS"], phone_number=PHONE))
    sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))

    sandbox.stock("jacket-m", 1)

    assert [message["status"] for message in sandbox.read("messages")] == ["skipped"]


def test_notified_shopper_can_sign_up_again(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL, EMAIL)
    assert sandbox.notes() == ["ignored: the profile is already on the waiting list"]
    sandbox.stock("jacket-m", 1)
    sandbox.stock("jacket-m", 0)

    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)

    assert sandbox.recipients() == [EMAIL, EMAIL]


def test_messages_can_be_filtered_by_recipient(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL, OTHER_EMAIL)
    sandbox.stock("jacket-m", 1)

    reply = sandbox.request("GET", "/_sandbox/messages", params={"to": OTHER_EMAIL})

    assert [message["to"] for message in reply.json()["messages"]] == [OTHER_EMAIL]


def test_message_has_the_titles_of_item_and_variant(sandbox: RunningSandbox) -> None:
    sandbox.add("m", title="Medium")
    sandbox.sign_up(EMAIL, variant="m")

    sandbox.stock("m", 1)

    assert sandbox.read("messages")[0]["title"] == "Jacket (Medium)"


def test_settings_can_be_changed_one_by_one(sandbox: RunningSandbox) -> None:
    assert sandbox.get("flow") == {
        "status": "live",
        "minimum_inventory": 1,
        "customers_per_unit": "all",
        "wait_seconds": 0,
        "waits": [],
    }

    sandbox.set("flow", customers_per_unit=5, wait_seconds=600)
    sandbox.set("flow", minimum_inventory=2)
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 2)

    assert sandbox.get("flow") == {
        "status": "live",
        "minimum_inventory": 2,
        "customers_per_unit": 5,
        "wait_seconds": 600,
        "waits": [{"variant": VARIANT, "until": "2026-11-24T12:10:00+00:00"}],
    }


def test_catalog_shows_stock_and_sign_ups(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", "jacket-l")
    sandbox.set("flow", wait_seconds=60)
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)
    sandbox.sign_up(EMAIL, OTHER_EMAIL, variant="jacket-l")

    medium, large = sandbox.read("catalog")

    assert (medium["variant"], medium["quantity"], medium["waiting"]) == (VARIANT, 1, 0)
    assert medium["waits_until"] == "2026-11-24T12:01:00+00:00"
    assert (large["quantity"], large["waiting"], large["waits_until"]) == (0, 2, None)


def test_clock_can_be_set_forward(sandbox: RunningSandbox) -> None:
    assert sandbox.get("clock") == {"now": NOON, "ahead": 0}

    sandbox.advance(3600)
    sandbox.advance(1.5)

    now = "2026-11-24T13:00:01.500000+00:00"
    assert sandbox.get("clock") == {"now": now, "ahead": 3601.5}
    sandbox.sign_up(EMAIL)
    assert sandbox.read("waiting")[0]["since"] == now
    assert sandbox.read("requests")[0]["at"] == now
