"""A sandbox with data on every page."""

from __future__ import annotations

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    OTHER_PHONE,
    PHONE,
    TWILIO_TEST_NUMBER,
    RunningSandbox,
    body,
    consent_to,
    person,
)


def fill(sandbox: RunningSandbox) -> None:
    """Add sign-ups, rejected calls, consent, a restock and simulated failures."""
    sandbox.server_call()
    sandbox.server_call(body(email="ada"))
    sandbox.drill("503")
    sandbox.browser_call()
    sandbox.browser_call(company_id=sandbox.account.private_key)
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.subscribe(person(consent_to("email"), email=EMAIL, phone_number=PHONE))
    sandbox.set("list", opt_in_process="single_opt_in")
    subscriber = person(consent_to("sms", "whatsapp"), phone_number=TWILIO_TEST_NUMBER)
    sandbox.subscribe(subscriber, subscriber)
    sandbox.add("jacket-m", "jacket-l-with-an-exceptionally-long-name")
    sandbox.server_call(body(channels=["SMS", "WHATSAPP"], phone_number=TWILIO_TEST_NUMBER))
    sandbox.server_call(body(channels=["SMS"], phone_number=OTHER_PHONE))
    sandbox.sign_up("late@shop.example.org")
    sandbox.set("flow", customers_per_unit=3, wait_seconds=600)
    sandbox.stock("jacket-m", 1)
    sandbox.set("flow", status="manual")
    sandbox.advance(600)
    sandbox.drill("429", times=2)
    sandbox.drill("slow", operation="create_client_subscription", times=None)
