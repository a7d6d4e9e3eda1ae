"""The flow: whom a restock reaches, when, by which channel, and whom it doesn't."""

from __future__ import annotations

from typing import Any

import pytest

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    PHONE,
    SHOP,
    VARIANT,
    Running,
    body,
    consent_to,
    job_body,
    person,
    update_body,
    variant_body,
)

OTHER = "grace@shop.example.org"
DEFAULTS = {
    "status": "live",
    "minimum_inventory": 1,
    "customers_per_unit": "all",
    "wait_seconds": 0,
    "waits": [],
}


def crowd(number: int) -> list[str]:
    """Return so many addresses."""
    return [f"shopper{each}@shop.example.org" for each in range(number)]


def test_a_restock_reaches_who_waits(sandbox: Running) -> None:
    """The message names variant and address; nobody waits any more."""
    sandbox.add("jacket-m", "jacket-l")
    sandbox.sign_up(EMAIL)
    sandbox.sign_up(OTHER, variant="jacket-l")

    sandbox.stock("jacket-m", 1)

    [message] = sandbox.read("messages")
    body = message.pop("body")
    assert f"{SHOP}/products/jacket?variant=jacket-m" in body
    assert "JACKET-M is back in stock" in body
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
        "made_at": "2026-11-24T12:00:00+00:00",
        "sent_at": "2026-11-24T12:00:00+00:00",
    }
    assert [each["profile"]["email"] for each in sandbox.read("waiting")] == [OTHER]


def test_the_help_centres_example(sandbox: Running) -> None:
    """20 units, 5 customers for each: the oldest 100 at once, the rest when the wait ends."""
    everybody = crowd(130)
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=5, wait_seconds=3600)
    sandbox.sign_up(*everybody)

    sandbox.stock("jacket-m", 20)

    assert sandbox.told() == everybody[:100]
    sandbox.advance(3599)
    assert len(sandbox.told()) == 100
    sandbox.advance(1)
    assert sandbox.told() == everybody
    assert sandbox.read("waiting") == []


def test_the_stock_is_read_again_when_a_wait_ends(sandbox: Running) -> None:
    """As many are told as there is stock for then; below the minimum nobody is."""
    everybody = crowd(7)
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=2, wait_seconds=60, minimum_inventory=2)
    sandbox.sign_up(*everybody)
    sandbox.stock("jacket-m", 2)
    assert len(sandbox.told()) == 4

    sandbox.stock("jacket-m", 1)
    sandbox.advance(60)

    assert len(sandbox.told()) == 4
    sandbox.stock("jacket-m", 2)
    assert sandbox.told() == everybody


def test_a_restock_during_a_wait_starts_nothing(sandbox: Running) -> None:
    """Nor does it lengthen the wait; who signed up meanwhile is told at its end."""
    sandbox.add("jacket-m")
    sandbox.set("flow", wait_seconds=60)
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)
    sandbox.stock("jacket-m", 0)
    sandbox.sign_up(OTHER)
    sandbox.advance(30)

    sandbox.stock("jacket-m", 5)

    assert sandbox.told() == [EMAIL]
    assert "the flow waits until 2026-11-24T12:01:00+00:00" in sandbox.notes()[0]
    sandbox.advance(30)
    assert sandbox.told() == [EMAIL, OTHER]


def test_each_variant_has_a_wait_of_its_own(sandbox: Running) -> None:
    """A wait for one doesn't hold another back."""
    sandbox.add("jacket-m", "jacket-l")
    sandbox.set("flow", wait_seconds=60)
    sandbox.sign_up(EMAIL)
    sandbox.sign_up(OTHER, variant="jacket-l")
    sandbox.stock("jacket-m", 1)

    sandbox.stock("jacket-l", 1)

    assert sandbox.told() == [EMAIL, OTHER]


def test_several_waits_may_end_in_one_step(sandbox: Running) -> None:
    """Each round has its own time, and the clock's one step goes through all of them."""
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=1, wait_seconds=60)
    sandbox.sign_up(*crowd(3))
    sandbox.stock("jacket-m", 1)

    sandbox.advance(600)

    assert [each["sent_at"][11:19] for each in sandbox.read("messages")] == [
        "12:00:00",
        "12:01:00",
        "12:02:00",
    ]


def test_a_wait_ends_with_the_real_time_too(sandbox: Running) -> None:
    """Nobody has to move the clock."""
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=1, wait_seconds=60)
    sandbox.sign_up(*crowd(2))
    sandbox.stock("jacket-m", 1)

    sandbox.clock.move(60)

    assert len(sandbox.told()) == 2


def test_without_a_wait_rounds_follow_at_once(sandbox: Running) -> None:
    """Everybody is told, however few fit into a round."""
    sandbox.add("jacket-m")
    sandbox.set("flow", customers_per_unit=1)
    sandbox.sign_up(*crowd(5))

    sandbox.stock("jacket-m", 2)

    assert sandbox.told() == crowd(5)


@pytest.mark.parametrize(("stock", "told"), [(2, 0), (2.9, 0), (3, 1)])
def test_the_minimum_must_be_reached(sandbox: Running, stock: float, told: int) -> None:
    """Below it people go on waiting."""
    sandbox.add("jacket-m")
    sandbox.set("flow", minimum_inventory=3)
    sandbox.sign_up(EMAIL)

    sandbox.stock("jacket-m", stock)

    assert (len(sandbox.told()), len(sandbox.read("waiting"))) == (told, 1 - told)


def test_a_change_that_is_none_starts_nothing(sandbox: Running) -> None:
    """The same stock again, or another attribute, tells nobody."""
    sandbox.add("jacket-m", stock=5)
    sandbox.sign_up(EMAIL)

    sandbox.stock("jacket-m", 5)
    sandbox.api("PATCH", "catalog-variants/$custom:::$default:::jacket-m",
                update_body("jacket-m", price=1))  # fmt: skip

    assert sandbox.told() == []
    sandbox.stock("jacket-m", 6)
    assert sandbox.told() == [EMAIL]


@pytest.mark.parametrize("kind", ["update", "create"])
def test_bulk_jobs_restock_too(sandbox: Running, kind: str) -> None:
    """Each variant of a job is a change of its own."""
    sandbox.sign_up(EMAIL)
    sandbox.sign_up(OTHER, variant="jacket-l")
    names = ("jacket-m", "jacket-l")
    sandbox.add(*(names if kind == "update" else ()))
    make: Any = update_body if kind == "update" else variant_body
    bodies = [make(name, inventory_quantity=1) for name in names]

    sandbox.api(
        "POST", f"catalog-variant-bulk-{kind}-jobs", job_body(kind, "variants", *bodies)
    ).raise_for_status()

    assert sandbox.told() == [EMAIL, OTHER]
    assert sandbox.notes() == ["Notified 1 of 1 person, 0 still waiting"] * 2


def test_in_a_draft_nobody_waits(sandbox: Running) -> None:
    """A sign-up is accepted, and its request tells what became of it."""
    sandbox.add("jacket-m")
    sandbox.set("flow", status="draft")

    sandbox.sign_up(EMAIL)

    assert sandbox.read("waiting") == []
    assert sandbox.notes() == ["ignored: the flow is a draft"]
    sandbox.set("flow", status="live")
    sandbox.stock("jacket-m", 1)
    assert sandbox.read("messages") == []


def test_a_draft_tells_nobody_who_waited_before(sandbox: Running) -> None:
    """Who waits goes on waiting until the flow is live and the stock changes again."""
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL)
    sandbox.set("flow", status="draft")

    sandbox.stock("jacket-m", 1)

    assert (sandbox.told(), len(sandbox.read("waiting"))) == ([], 1)
    sandbox.set("flow", status="live")
    sandbox.stock("jacket-m", 2)
    assert sandbox.told() == [EMAIL]


def test_a_manual_flow_holds_its_messages(sandbox: Running) -> None:
    """They are made, the subscription is cleared, and somebody sends them by hand, once."""
    sandbox.add("jacket-m")
    sandbox.set("flow", status="manual")
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)

    [held] = sandbox.read("messages")
    assert (held["status"], held["sent_at"], sandbox.read("waiting")) == ("manual", None, [])
    sandbox.clock.move(60)
    sent = sandbox.ask("POST", f"/_sandbox/messages/{held['id']}/send")

    assert (sent.json()["status"], sent.json()["sent_at"]) == ("sent", "2026-11-24T12:01:00+00:00")
    assert sandbox.told() == [EMAIL]
    assert sandbox.ask("POST", f"/_sandbox/messages/{held['id']}/send").status_code == 409
    assert sandbox.ask("POST", "/_sandbox/messages/99/send").status_code == 404


def test_a_text_reaches_marketing_subscribers_alone(sandbox: Running) -> None:
    """Consent as it is at the restock counts; a message that reaches nobody says why."""
    sandbox.add("jacket-m")
    sandbox.server_call(body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE))
    sandbox.server_call(body(channels=["SMS"], phone_number="+12025550166"))
    sandbox.subscribe(person(consent_to("sms"), email=EMAIL, phone_number=PHONE))
    sandbox.subscribe(
        person(consent_to("sms", purpose="transactional"), phone_number="+12025550166")
    )

    sandbox.stock("jacket-m", 1)

    messages = sandbox.read("messages")
    assert [(each["channel"], each["to"], each["status"]) for each in messages] == [
        ("EMAIL", EMAIL, "sent"),
        ("SMS", PHONE, "sent"),
        ("SMS", "+12025550166", "skipped"),
    ]
    assert messages[1]["subject"] is None
    assert messages[1]["body"].startswith("Your shop: JACKET-M is back in stock. http")
    assert (messages[2]["reason"], messages[2]["sent_at"]) == (
        "not subscribed to SMS marketing",
        None,
    )
    assert sandbox.read("waiting") == []


def test_an_unconfirmed_subscriber_gets_no_text(sandbox: Running) -> None:
    """Double opt-in holds for texts too."""
    sandbox.add("jacket-m")
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.server_call(body(channels=["SMS"], phone_number=PHONE))
    sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))

    sandbox.stock("jacket-m", 1)

    assert [each["status"] for each in sandbox.read("messages")] == ["skipped"]


def test_after_a_message_one_can_sign_up_again(sandbox: Running) -> None:
    """A first sign-up counts once; a second after the restock counts again."""
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL, EMAIL)
    assert sandbox.notes() == ["ignored: the profile is already on the waiting list"]
    sandbox.stock("jacket-m", 1)
    sandbox.stock("jacket-m", 0)

    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)

    assert sandbox.told() == [EMAIL, EMAIL]


def test_messages_can_be_read_of_one_address(sandbox: Running) -> None:
    """`?to=` leaves the others out."""
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL, OTHER)
    sandbox.stock("jacket-m", 1)

    found = sandbox.ask("GET", "/_sandbox/messages", params={"to": OTHER}).json()["messages"]

    assert [each["to"] for each in found] == [OTHER]


def test_the_items_title_stands_before_the_variants(sandbox: Running) -> None:
    """A variant that is only called M is no name for a shopper."""
    sandbox.add("m", title="Medium")
    sandbox.sign_up(EMAIL, variant="m")

    sandbox.stock("m", 1)

    assert sandbox.read("messages")[0]["title"] == "Jacket, Medium"


def test_the_settings_are_shown_and_changed(sandbox: Running) -> None:
    """What isn't named stays; the waits under way are listed."""
    assert sandbox.ask("GET", "/_sandbox/flow").json() == DEFAULTS

    sandbox.set("flow", customers_per_unit=5, wait_seconds=600)
    sandbox.set("flow", minimum_inventory=2)
    sandbox.add("jacket-m")
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 2)

    assert sandbox.ask("GET", "/_sandbox/flow").json() == {
        "status": "live",
        "minimum_inventory": 2,
        "customers_per_unit": 5,
        "wait_seconds": 600,
        "waits": [{"variant": VARIANT, "until": "2026-11-24T12:10:00+00:00"}],
    }
    sandbox.ask("POST", "/_sandbox/reset")
    assert sandbox.ask("GET", "/_sandbox/flow").json() == DEFAULTS


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([], "Send one or more of: status"),
        ({}, "Send one or more of: status"),
        ({"speed": 1}, "no setting 'speed'"),
        ({"status": "paused"}, "draft, manual, live"),
        ({"minimum_inventory": 0}, "from 1 to"),
        ({"minimum_inventory": True}, "from 1 to"),
        ({"customers_per_unit": 0}, 'or "all"'),
        ({"customers_per_unit": "some"}, 'or "all"'),
        ({"wait_seconds": -1}, "from 0 to"),
        ({"wait_seconds": 1.5, "status": "draft"}, "from 0 to"),
    ],
)
def test_a_wrong_setting_is_refused(sandbox: Running, sent: Any, words: str) -> None:
    """A sentence says what can be set; nothing has changed."""
    reply = sandbox.ask("PUT", "/_sandbox/flow", json=sent)

    assert reply.status_code == 400
    assert words in reply.json()["error"]
    assert sandbox.ask("GET", "/_sandbox/flow").json() == DEFAULTS


def test_the_catalog_is_listed_with_its_stock(sandbox: Running) -> None:
    """Who waits, and until when the flow does."""
    sandbox.add("jacket-m", "jacket-l")
    sandbox.set("flow", wait_seconds=60)
    sandbox.sign_up(EMAIL)
    sandbox.stock("jacket-m", 1)
    sandbox.sign_up(EMAIL, OTHER, variant="jacket-l")

    found = sandbox.read("catalog")

    assert [
        (each["variant"][-1], each["quantity"], each["waiting"], each["waits_until"])
        for each in found
    ] == [("m", 1, 0, "2026-11-24T12:01:00+00:00"), ("l", 0, 2, None)]


def test_the_clock_is_moved_on_and_reset(sandbox: Running) -> None:
    """What happens from then on has the later time."""
    assert sandbox.ask("GET", "/_sandbox/clock").json() == {
        "now": "2026-11-24T12:00:00+00:00",
        "ahead": 0,
    }

    sandbox.advance(3600)
    sandbox.advance(1.5)

    assert sandbox.ask("GET", "/_sandbox/clock").json() == {
        "now": "2026-11-24T13:00:01.500000+00:00",
        "ahead": 3601.5,
    }
    sandbox.sign_up(EMAIL)
    assert sandbox.read("waiting")[0]["since"] == "2026-11-24T13:00:01.500000+00:00"
    assert sandbox.read("requests")[0]["at"] == "2026-11-24T13:00:01.500000+00:00"
    sandbox.ask("POST", "/_sandbox/reset")
    assert sandbox.ask("GET", "/_sandbox/clock").json()["ahead"] == 0


@pytest.mark.parametrize("sent", [None, {}, {"advance": -1}, {"advance": "1"}, {"advance": True},
                                  {"advance": 1e9}])  # fmt: skip
def test_the_clock_goes_on_by_a_number(sandbox: Running, sent: Any) -> None:
    """And never back."""
    reply = sandbox.ask("POST", "/_sandbox/clock", json=sent)

    assert reply.status_code == 400
    assert '{"advance": seconds}' in reply.json()["error"]
    assert sandbox.ask("GET", "/_sandbox/clock").json()["ahead"] == 0


def test_a_reset_can_spare_the_catalog(sandbox: Running) -> None:
    """Items and variants stay with their stock; without being asked to, nothing does."""
    sandbox.add("jacket-m", stock=3)
    sandbox.sign_up(EMAIL)

    sandbox.ask("POST", "/_sandbox/reset", json={"keep_catalog": True})

    assert [each["quantity"] for each in sandbox.read("catalog")] == [3]
    assert (sandbox.read("waiting"), sandbox.read("requests")) == ([], [])
    sandbox.ask("POST", "/_sandbox/reset")
    assert sandbox.read("catalog") == []
