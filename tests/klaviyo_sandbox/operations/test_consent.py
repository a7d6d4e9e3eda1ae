"""The consent operations: what is accepted and refused, and who is subscribed afterwards."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from klaviyo_sandbox.protocol.contacts import region_of
from tests.klaviyo_sandbox.conftest import (
    CLIENT_SUBSCRIBE_OPERATION,
    CLIENT_SUBSCRIBE_PATH,
    EMAIL,
    NOON,
    OTHER_EMAIL,
    PHONE,
    PREFLIGHT,
    SUBSCRIBE_OPERATION,
    SUBSCRIBE_PATH,
    TWILIO_TEST_NUMBER,
    RunningSandbox,
    body,
    consent_to,
    person,
    without,
)
from tests.klaviyo_sandbox.operations.test_back_in_stock import assert_refused

SERVER_PERSON = "/data/attributes/profiles/data/0"
CLIENT_PERSON = "/data/attributes/profile/data"
EMAIL_POINTER, PHONE_POINTER = "attributes/email", "attributes/phone_number"
CONSENT = "attributes/subscriptions"
LIST = "/data/relationships/list"
JAPANESE_PHONE = "+818012345678"
TOO_SOON = "Klaviyo processes one subscription per profile every 30 minutes, and the last one was"

# fmt: off
BAD_PEOPLE: dict[str, tuple[Any, str]] = {
    "no type": (without(person(), "type"), "type"),
    "unknown member": (person() | {"meta": {}}, "meta"),
    "no attributes": (without(person(), "attributes"), "attributes"),
    "anonymous ID": (person(email=EMAIL, anonymous_id="1"), "attributes/anonymous_id"),
    "no identifier": (person(email=None), "attributes"),
    "email not an address": (person(email="ada"), EMAIL_POINTER),
    "email a number": (person(email=7), EMAIL_POINTER),
    "phone in national format": (
        person(consent_to("sms"), phone_number="(202) 555-0143"), PHONE_POINTER),
    "bad phone number with a good email address": (
        person(email=EMAIL, phone_number="12"), PHONE_POINTER),
    "email consent without an address": (person(phone_number=PHONE), EMAIL_POINTER),
    "SMS without a phone number": (person(consent_to("sms"), email=EMAIL), PHONE_POINTER),
    "transactional SMS without a phone number": (
        person(consent_to("sms", purpose="transactional"), email=EMAIL), PHONE_POINTER),
    "WhatsApp without a phone number": (
        person(consent_to("whatsapp"), email=EMAIL, phone_number=None), PHONE_POINTER),
    "no channel": (person({}), CONSENT),
    "channels are null": (person({"email": None, "sms": None}), CONSENT),
    "channel without a purpose": (person({"email": {}}), f"{CONSENT}/email"),
    "channel whose purpose is null": (person({"email": {"marketing": None}}), f"{CONSENT}/email"),
    "unknown channel": (person(consent_to("fax")), f"{CONSENT}/fax"),
    "the format of an old revision": (person({"email": ["MARKETING"]}), f"{CONSENT}/email"),
    "unknown purpose": (person(consent_to("email", purpose="news")), f"{CONSENT}/email/news"),
    "transactional email": (
        person(consent_to("email", purpose="transactional")), f"{CONSENT}/email/transactional"),
    "unsubscribed": (person({"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}),
                     f"{CONSENT}/email/marketing/consent"),
    "consent in lower case": (person({"email": {"marketing": {"consent": "subscribed"}}}),
                              f"{CONSENT}/email/marketing/consent"),
    "no consent": (person({"email": {"marketing": {}}}), f"{CONSENT}/email/marketing/consent"),
    "unknown member beside the consent": (person(consent_to("email", legal_text="Yes")),
                                          f"{CONSENT}/email/marketing/legal_text"),
    "PUSH": (person(consent_to("push")), f"{CONSENT}/push"),
    "a time without a historical import": (
        person(consent_to("email", consented_at="2020-01-01T00:00:00Z")),
        f"{CONSENT}/email/marketing/consented_at"),
    "SMS to an unsupported region": (
        person(consent_to("sms"), phone_number=JAPANESE_PHONE), PHONE_POINTER),
}
# fmt: on
BAD_RELATIONSHIPS: dict[str, tuple[Any, str]] = {
    "unknown list": ({"list": {"data": {"type": "list", "id": "NOLIST"}}}, f"{LIST}/data/id"),
    "list without data": ({"list": {}}, f"{LIST}/data"),
    "segment": ({"list": {"data": {"type": "segment", "id": "X"}}}, f"{LIST}/data/type"),
    "list without an ID": ({"list": {"data": {"type": "list"}}}, f"{LIST}/data/id"),
}


@pytest.mark.parametrize(("one", "pointer"), BAD_PEOPLE.values(), ids=BAD_PEOPLE)
def test_bad_profile_is_refused(sandbox: RunningSandbox, one: Any, pointer: str) -> None:
    """Servers and browsers get an error that points at the fault."""
    assert_refused(sandbox.subscribe(one), 400, "invalid", f"{SERVER_PERSON}/{pointer}")
    assert_refused(sandbox.client_subscribe(one), 400, "invalid", f"{CLIENT_PERSON}/{pointer}")
    assert sandbox.read("profiles") == []


@pytest.mark.parametrize(
    ("relationships", "pointer"), BAD_RELATIONSHIPS.values(), ids=BAD_RELATIONSHIPS
)
def test_bad_list_is_refused(sandbox: RunningSandbox, relationships: Any, pointer: str) -> None:
    for call, sent in (
        (sandbox.subscribe, sandbox.job()),
        (sandbox.client_subscribe, sandbox.client_subscription()),
    ):
        sent["data"]["relationships"] = relationships
        assert_refused(call(sent=sent), 400, "invalid", pointer)
    assert sandbox.read("profiles") == []


def test_browser_must_name_a_list(sandbox: RunningSandbox) -> None:
    sent = without(sandbox.client_subscription(), "data", "relationships", "list")

    assert_refused(sandbox.client_subscribe(sent=sent), 400, "invalid", LIST)


def test_list_in_the_attributes_is_refused(sandbox: RunningSandbox) -> None:
    """Klaviyo's guide puts the list in the attributes by mistake."""
    for call, sent in (
        (sandbox.subscribe, sandbox.job()),
        (sandbox.client_subscribe, sandbox.client_subscription()),
    ):
        sent["data"]["attributes"]["list_id"] = sandbox.account.list_id
        assert_refused(call(sent=sent), 400, "invalid", "/data/attributes/list_id")


def test_only_the_browser_may_omit_subscriptions(sandbox: RunningSandbox) -> None:
    """In a browser's call without subscriptions, an email address or phone number counts as
    consent.
    """
    one = without(person(email=EMAIL, phone_number=PHONE), "attributes", "subscriptions")

    assert_refused(sandbox.subscribe(one), 400, "invalid", f"{SERVER_PERSON}/{CONSENT}")

    assert sandbox.client_subscribe(one).status_code == 202
    statuses = [sandbox.consent(channel)["status"] for channel in ("email", "sms", "whatsapp")]
    assert statuses == ["subscribed", "subscribed", "never_subscribed"]


def test_only_the_server_may_send_a_birth_date(sandbox: RunningSandbox) -> None:
    good = person(email=EMAIL, age_gated_date_of_birth="2000-02-29")
    bad = person(email=EMAIL, age_gated_date_of_birth="2001-02-29")
    pointer = "attributes/age_gated_date_of_birth"

    assert_refused(sandbox.subscribe(bad), 400, "invalid", f"{SERVER_PERSON}/{pointer}")
    assert_refused(sandbox.client_subscribe(good), 400, "invalid", f"{CLIENT_PERSON}/{pointer}")
    assert sandbox.subscribe(good).status_code == 202


@pytest.mark.parametrize(("number", "status"), [(0, 400), (1000, 202), (1001, 400)])
def test_a_call_accepts_up_to_a_thousand_profiles(
    sandbox: RunningSandbox, number: int, status: int
) -> None:
    people = [person(email=f"p{n}@shop.example.org") for n in range(number)]
    sent = sandbox.job()
    sent["data"]["attributes"]["profiles"]["data"] = people

    reply = sandbox.subscribe(sent=sent)

    assert reply.status_code == status
    assert len(sandbox.read("profiles")) == (number if status == 202 else 0)
    if status == 400:
        assert_refused(reply, 400, "invalid", "/data/attributes/profiles/data")


def test_one_bad_profile_refuses_the_whole_job(sandbox: RunningSandbox) -> None:
    reply = sandbox.subscribe(person(), person(email="ada"))

    assert_refused(reply, 400, "invalid", "/data/attributes/profiles/data/1/attributes/email")
    assert sandbox.read("profiles") == []


def test_server_subscribes(sandbox: RunningSandbox) -> None:
    """Source, list and time are stored with the consent."""
    all_channels = consent_to("email", "sms", "whatsapp")

    reply = sandbox.subscribe(person(all_channels, email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, reply.content, reply.headers["Content-Length"]) == (202, b"", "0")
    subscribed = {
        "status": "subscribed",
        "since": NOON,
        "source": "Back in stock",
        "list": sandbox.account.list_id,
    }
    never = {"status": "never_subscribed", "since": None, "source": None, "list": None}
    assert sandbox.read("profiles") == [
        {
            "profile": {"email": EMAIL, "phone_number": PHONE},
            "consent": {
                "email": {"marketing": subscribed},
                "sms": {"marketing": subscribed, "transactional": never},
                "whatsapp": {"marketing": subscribed, "transactional": never},
            },
        }
    ]
    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["problems"], entry["notes"]) == (SUBSCRIBE_OPERATION, [], [])


def test_browser_subscribes(sandbox: RunningSandbox) -> None:
    reply = sandbox.client_subscribe(person(email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, reply.content, reply.headers["Content-Length"]) == (202, b"", "0")
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert sandbox.consent("email")["status"] == "subscribed"
    assert sandbox.consent("sms")["status"] == "never_subscribed"
    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["problems"]) == (CLIENT_SUBSCRIBE_OPERATION, [])


def test_browser_may_send_a_preflight(sandbox: RunningSandbox) -> None:
    client = sandbox.request("OPTIONS", CLIENT_SUBSCRIBE_PATH, headers=PREFLIGHT)
    server = sandbox.request("OPTIONS", SUBSCRIBE_PATH, headers=PREFLIGHT)

    assert (client.status_code, server.status_code) == (200, 405)
    assert client.headers["Access-Control-Allow-Origin"] == "*"
    assert sandbox.read("requests")[0]["operation"] == CLIENT_SUBSCRIBE_OPERATION


def test_each_side_needs_its_key(sandbox: RunningSandbox) -> None:
    assert sandbox.subscribe(Authorization=None).status_code == 401
    assert_refused(sandbox.client_subscribe(company_id="WRONG1"), 400, "invalid", "/data")
    assert sandbox.read("profiles") == []


@pytest.mark.parametrize("purpose", ["open_tracking", "click_tracking"])
@pytest.mark.parametrize("historical_import", [False, True])
def test_consent_to_tracking_is_not_consent_to_messages(
    sandbox: RunningSandbox, purpose: str, historical_import: bool
) -> None:
    """Consent to tracking needs no `consented_at`, even in a historical import."""
    profile = person({"email": {purpose: {"consent": "SUBSCRIBED"}}}, email=EMAIL)
    sent = sandbox.job(profile, historical_import=historical_import)

    assert sandbox.subscribe(sent=sent).status_code == 202
    assert sandbox.read("profiles") == []
    assert "no consent to receive messages" in sandbox.notes()[0]


def test_without_a_list_no_profile_is_created(sandbox: RunningSandbox) -> None:
    """A server may omit the list, but then only existing profiles are subscribed."""
    sent = without(sandbox.job(), "data", "relationships")

    assert sandbox.subscribe(sent=sent).status_code == 202
    assert sandbox.read("profiles") == []
    assert "ignored: without a list" in sandbox.notes()[0]

    sandbox.server_call(body())
    assert sandbox.subscribe(sent=sent).status_code == 202
    assert (sandbox.consent("email")["status"], sandbox.notes()) == ("subscribed", [])


# --- historical imports


def historical(sandbox: RunningSandbox, **consent: Any) -> dict[str, Any]:
    """Return the body of a historical import."""
    return sandbox.job(person(consent_to("email", **consent)), historical_import=True)


def test_historical_import_keeps_its_time(sandbox: RunningSandbox) -> None:
    """A historical import needs no double opt-in."""
    sandbox.set("list", opt_in_process="double_opt_in")

    reply = sandbox.subscribe(sent=historical(sandbox, consented_at="2020-01-01T00:00:00Z"))

    assert reply.status_code == 202
    consent = sandbox.consent("email")
    assert (consent["status"], consent["since"]) == ("subscribed", "2020-01-01T00:00:00+00:00")


@pytest.mark.parametrize(
    "consent",
    [
        {},
        {"consented_at": None},
        {"consented_at": "soon"},
        {"consented_at": "2020-01-01T00:00:00"},
        {"consented_at": NOON},
        {"consented_at": "2027-01-01T00:00:00Z"},
    ],
    ids=["none", "null", "no time", "no offset", "now", "future"],
)
def test_historical_import_needs_a_past_time(sandbox: RunningSandbox, consent: Any) -> None:
    reply = sandbox.subscribe(sent=historical(sandbox, **consent))

    pointer = f"{SERVER_PERSON}/{CONSENT}/email/marketing/consented_at"
    assert_refused(reply, 400, "invalid", pointer)


# --- double opt-in


def test_double_opt_in_needs_a_confirmation(sandbox: RunningSandbox) -> None:
    """The email address and the phone number are confirmed separately."""
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.subscribe(person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE))
    statuses = [sandbox.consent(name)["status"] for name in ("email", "sms")]
    assert statuses == ["pending_confirmation"] * 2
    sandbox.clock.move(60)

    reply = sandbox.request("POST", "/_sandbox/confirm", json={"contact": EMAIL.upper()})

    assert (reply.status_code, reply.json()) == (200, {"confirmed": ["EMAIL"]})
    consent = sandbox.consent("email")
    assert (consent["status"], consent["since"]) == ("subscribed", "2026-11-24T12:01:00+00:00")
    assert sandbox.consent("sms")["status"] == "pending_confirmation"
    reply = sandbox.request("POST", "/_sandbox/confirm", json={"contact": PHONE})
    assert reply.json() == {"confirmed": ["SMS"]}


def test_double_opt_in_keeps_existing_subscribers(sandbox: RunningSandbox) -> None:
    sandbox.subscribe()
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.clock.move(1800)

    sandbox.subscribe()

    consent = sandbox.consent("email")
    assert (consent["status"], consent["since"], sandbox.notes()) == ("subscribed", NOON, [])


def test_transactional_texts_need_no_confirmation(sandbox: RunningSandbox) -> None:
    sandbox.set("list", opt_in_process="double_opt_in")

    sandbox.subscribe(person(consent_to("sms", purpose="transactional"), phone_number=PHONE))

    assert sandbox.consent("sms", "transactional")["status"] == "subscribed"
    assert sandbox.consent("sms")["status"] == "never_subscribed"


@pytest.mark.parametrize("contact", [EMAIL, PHONE, "nobody@shop.example.org"])
def test_nothing_to_confirm_is_404(sandbox: RunningSandbox, contact: str) -> None:
    sandbox.subscribe()

    reply = sandbox.request("POST", "/_sandbox/confirm", json={"contact": contact})

    assert reply.status_code == 404
    assert contact in reply.json()["error"]


# --- one subscription every thirty minutes


@pytest.mark.parametrize("side", ["server", "browser"])
def test_second_subscription_within_thirty_minutes_is_ignored(
    sandbox: RunningSandbox, side: str
) -> None:
    sandbox.subscribe()
    before = sandbox.read("profiles")
    sandbox.clock.move(29 * 60 + 59)
    call = sandbox.subscribe if side == "server" else sandbox.client_subscribe

    reply = call(person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, sandbox.read("profiles")) == (202, before)
    place = SERVER_PERSON if side == "server" else CLIENT_PERSON
    assert sandbox.notes() == [f"{place}: ignored: {TOO_SOON} 29 minutes ago"]


def test_subscription_after_thirty_minutes_is_processed(sandbox: RunningSandbox) -> None:
    """Ignored subscriptions do not extend the interval."""
    sandbox.subscribe()
    both = person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE)
    sandbox.clock.move(60)
    sandbox.subscribe(both)
    assert sandbox.notes() == [f"{SERVER_PERSON}: ignored: {TOO_SOON} 1 minute ago"]
    sandbox.clock.move(29 * 60)

    sandbox.subscribe(both)

    assert (sandbox.notes(), sandbox.consent("sms")["status"]) == ([], "subscribed")
    sandbox.subscribe(both)
    assert sandbox.notes() == [f"{SERVER_PERSON}: ignored: {TOO_SOON} less than a minute ago"]


def test_profile_is_subscribed_once_per_job(sandbox: RunningSandbox) -> None:
    sandbox.subscribe(person(), person(), person(email=OTHER_EMAIL))

    [note] = sandbox.notes()
    assert note.startswith("/data/attributes/profiles/data/1: ")
    assert len(sandbox.read("profiles")) == 2


# --- phone numbers and regions


def test_twilios_test_number_is_american(sandbox: RunningSandbox) -> None:
    sandbox.set("regions", supported=["US"])

    one = person(consent_to("sms"), phone_number=TWILIO_TEST_NUMBER)
    assert sandbox.subscribe(one).status_code == 202


def test_region_of_a_phone_number() -> None:
    """A number that belongs to no single region gets the main region of its country code."""
    numbers = ("+12025550143", "+12423221234", "+447700900123", "+11115550143")
    assert [region_of(number) for number in numbers] == ["US", "BS", "GB", "US"]


def test_sms_to_an_unsupported_region_is_refused(sandbox: RunningSandbox) -> None:
    sandbox.set("regions", supported=["GB"])

    replies = [
        (sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE)), SERVER_PERSON),
        (sandbox.server_call(body(channels=["SMS"], phone_number=PHONE)), CLIENT_PERSON),
        (sandbox.browser_call(body(channels=["SMS"], phone_number=PHONE)), CLIENT_PERSON),
    ]

    for reply, pointer in replies:
        error = assert_refused(reply, 400, "invalid", f"{pointer}/{PHONE_POINTER}")
        assert error["detail"].endswith("region, US.")
    assert sandbox.read("profiles") == []


def test_regions_only_limit_sms(sandbox: RunningSandbox) -> None:
    sandbox.set("regions", supported=["GB"])

    assert sandbox.subscribe(person(email=EMAIL, phone_number=PHONE)).status_code == 202
    assert sandbox.server_call(body(email=EMAIL, phone_number=PHONE)).status_code == 202
    one = person(consent_to("whatsapp"), phone_number=JAPANESE_PHONE)
    assert sandbox.subscribe(one).status_code == 202


def test_account_without_regions_has_no_sms(sandbox: RunningSandbox) -> None:
    assert {"US", "CA", "GB", "AU", "DE", "FR"} <= set(sandbox.get("regions")["supported"])
    sandbox.set("regions", supported=[])

    reply = sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))

    error = assert_refused(reply, 400, "invalid", f"{SERVER_PERSON}/{PHONE_POINTER}")
    assert "SMS is not set up" in error["detail"]


def test_new_phone_number_ends_consent_to_texts(sandbox: RunningSandbox) -> None:
    sandbox.subscribe(person(consent_to("sms"), email=EMAIL, phone_number=PHONE))
    sandbox.clock.move(1800)

    sandbox.subscribe(person(email=EMAIL, phone_number=TWILIO_TEST_NUMBER))

    assert sandbox.consent("sms")["status"] == "never_subscribed"
    assert sandbox.read("profiles")[0]["profile"]["phone_number"] == TWILIO_TEST_NUMBER


def test_texts_only_reach_subscribers(sandbox: RunningSandbox) -> None:
    """An email reaches everybody on the waiting list, with or without consent."""
    channels = ["EMAIL", "SMS", "WHATSAPP"]
    sandbox.server_call(body(channels=channels, email=EMAIL, phone_number=PHONE))
    assert sandbox.read("waiting")[0]["reachable"] == ["EMAIL"]

    sandbox.set("list", opt_in_process="double_opt_in")
    consent = consent_to("sms") | consent_to("whatsapp", purpose="transactional")
    sandbox.subscribe(person(consent, phone_number=PHONE))
    assert sandbox.read("waiting")[0]["reachable"] == ["EMAIL"]

    sandbox.request("POST", "/_sandbox/confirm", json={"contact": PHONE})
    assert sandbox.read("waiting")[0]["reachable"] == ["EMAIL", "SMS"]


# --- simulated failures


@pytest.mark.parametrize("side", ["server", "browser"])
def test_partial_failure_only_subscribes_the_email_address(
    sandbox: RunningSandbox, side: str
) -> None:
    operation = SUBSCRIBE_OPERATION if side == "server" else CLIENT_SUBSCRIBE_OPERATION
    call = sandbox.subscribe if side == "server" else sandbox.client_subscribe
    sandbox.drill("partial", operation=operation)

    reply = call(person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, reply.headers["X-Klaviyo-Partial-Failure"]) == (202, "phone_number")
    [profile] = sandbox.read("profiles")
    assert profile["profile"] == {"email": EMAIL}
    assert sandbox.consent("email")["status"] == "subscribed"
    assert sandbox.consent("sms")["status"] == "never_subscribed"


def test_partial_failure_needs_two_identifiers(sandbox: RunningSandbox) -> None:
    sandbox.drill("partial")

    assert "X-Klaviyo-Partial-Failure" not in sandbox.subscribe().headers
    assert sandbox.consent("email")["status"] == "subscribed"


def test_simulated_errors_match_the_operation(sandbox: RunningSandbox) -> None:
    """The errors point into the operation's body, and name its scopes."""
    for kind in ("400-email", "403", "400-list"):
        sandbox.drill(kind, operation=SUBSCRIBE_OPERATION)
    assert sandbox.server_call().status_code == 202

    assert_refused(sandbox.subscribe(), 400, "invalid", f"{SERVER_PERSON}/{EMAIL_POINTER}")
    error = assert_refused(sandbox.subscribe(), 403, "permission_denied", "/data/")
    assert "lists:write, profiles:write, subscriptions:write" in error["detail"]
    assert_refused(sandbox.subscribe(), 400, "invalid", f"{LIST}/data/id")
    assert sandbox.subscribe().status_code == 202


def test_preflight_failure_can_be_limited_to_an_operation(sandbox: RunningSandbox) -> None:
    sandbox.drill("cors", operation=CLIENT_SUBSCRIBE_OPERATION)

    statuses = [
        sandbox.request("OPTIONS", path, headers=PREFLIGHT).status_code
        for path in ("/client/back-in-stock-subscriptions", CLIENT_SUBSCRIBE_PATH)
    ]

    assert statuses == [200, 403]


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The lines that the sandbox logs."""
    lines: list[str] = []
    logger, handler = logging.getLogger("klaviyo_sandbox"), logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.mark.parametrize("side", ["server", "browser"])
def test_contact_details_are_masked_in_the_log(
    sandbox: RunningSandbox, side: str, log: list[str]
) -> None:
    call = sandbox.subscribe if side == "server" else sandbox.client_subscribe

    call(person(email=EMAIL, phone_number=PHONE))

    [line] = log
    assert line.endswith(" a•••@s•••.org +•••43")
    assert EMAIL not in line
    assert PHONE not in line
