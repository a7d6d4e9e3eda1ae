"""The consent operations: what is accepted, what is refused, and who is subscribed then."""

import logging
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from klaviyo_sandbox.protocol import spec
from klaviyo_sandbox.protocol.contacts import region_of
from tests.klaviyo_sandbox.conftest import (
    CLIENT_SUBSCRIBE_OPERATION,
    CLIENT_SUBSCRIBE_PATH,
    EMAIL,
    MAGIC,
    PHONE,
    SHOP,
    SUBSCRIBE_OPERATION,
    SUBSCRIBE_PATH,
    Running,
    body,
    consent_to,
    person,
    without,
)
from tests.klaviyo_sandbox.operations.test_back_in_stock import assert_refused

SERVER_PERSON = "/data/attributes/profiles/data/0"
CLIENT_PERSON = "/data/attributes/profile/data"
ONE = "attributes"
CONSENT = f"{ONE}/subscriptions"
LIST = "/data/relationships/list"
NOON = "2026-11-24T12:00:00+00:00"
JAPAN = "+818012345678"

BAD_PEOPLE: dict[str, tuple[Any, str]] = {
    "no type": (without(person(), "type"), "type"),
    "unknown in the profile": (person() | {"meta": {}}, "meta"),
    "no attributes": (without(person(), "attributes"), ONE),
    "anonymous": (person(email=EMAIL, anonymous_id="1"), f"{ONE}/anonymous_id"),
    "no identifier": (person(email=None), ONE),
    "email not an address": (person(email="ada"), f"{ONE}/email"),
    "email a number": (person(email=7), f"{ONE}/email"),
    "phone in national form": (
        person(consent_to("sms"), phone_number="(202) 555-0143"),
        f"{ONE}/phone_number",
    ),
    "bad phone beside a good email": (
        person(email=EMAIL, phone_number="12"),
        f"{ONE}/phone_number",
    ),
    "email consent without an email": (person(phone_number=PHONE), f"{ONE}/email"),
    "SMS without a phone": (person(consent_to("sms"), email=EMAIL), f"{ONE}/phone_number"),
    "transactional SMS without a phone": (
        person(consent_to("sms", purpose="transactional"), email=EMAIL),
        f"{ONE}/phone_number",
    ),
    "WhatsApp without a phone": (
        person(consent_to("whatsapp"), email=EMAIL, phone_number=None),
        f"{ONE}/phone_number",
    ),
    "no channel": (person({}), CONSENT),
    "channels null": (person({"email": None, "sms": None}), CONSENT),
    "a channel with nothing in it": (person({"email": {}}), f"{CONSENT}/email"),
    "a channel with null in it": (person({"email": {"marketing": None}}), f"{CONSENT}/email"),
    "unknown channel": (person(consent_to("fax")), f"{CONSENT}/fax"),
    "the old shape": (person({"email": ["MARKETING"]}), f"{CONSENT}/email"),
    "unknown purpose": (person(consent_to("email", purpose="news")), f"{CONSENT}/email/news"),
    "transactional email": (
        person(consent_to("email", purpose="transactional")),
        f"{CONSENT}/email/transactional",
    ),
    "unsubscribed": (
        person({"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}),
        f"{CONSENT}/email/marketing/consent",
    ),
    "subscribed in small letters": (
        person({"email": {"marketing": {"consent": "subscribed"}}}),
        f"{CONSENT}/email/marketing/consent",
    ),
    "no consent": (person({"email": {"marketing": {}}}), f"{CONSENT}/email/marketing/consent"),
    "unknown beside the consent": (
        person(consent_to("email", legal_text="Yes")),
        f"{CONSENT}/email/marketing/legal_text",
    ),
    "PUSH": (person(consent_to("push")), f"{CONSENT}/push"),
    "a time without a historical import": (
        person(consent_to("email", consented_at="2020-01-01T00:00:00Z")),
        f"{CONSENT}/email/marketing/consented_at",
    ),
    "SMS to a region without it": (
        person(consent_to("sms"), phone_number=JAPAN),
        f"{ONE}/phone_number",
    ),
}

BAD_LISTS: dict[str, tuple[Any, str]] = {
    "an unknown list": ({"list": {"data": {"type": "list", "id": "NOLIST"}}}, f"{LIST}/data/id"),
    "a list without data": ({"list": {}}, f"{LIST}/data"),
    "a segment": ({"list": {"data": {"type": "segment", "id": "X"}}}, f"{LIST}/data/type"),
    "a list without an ID": ({"list": {"data": {"type": "list"}}}, f"{LIST}/data/id"),
}


@pytest.mark.parametrize(("one", "pointer"), BAD_PEOPLE.values(), ids=BAD_PEOPLE)
def test_a_bad_profile_is_refused(sandbox: Running, one: Any, pointer: str) -> None:
    """Every profile that Klaviyo would refuse is a 400 that points at its fault, on both sides."""
    assert_refused(sandbox.subscribe(one), 400, "invalid", f"{SERVER_PERSON}/{pointer}")
    assert_refused(sandbox.client_subscribe(one), 400, "invalid", f"{CLIENT_PERSON}/{pointer}")
    assert sandbox.read("profiles") == []


@pytest.mark.parametrize(("relationships", "pointer"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_a_bad_list_is_refused(sandbox: Running, relationships: Any, pointer: str) -> None:
    """An unknown or a malformed list is a 400, on both sides."""
    for call, sent in (
        (sandbox.subscribe, sandbox.job()),
        (sandbox.client_subscribe, sandbox.client_subscription()),
    ):
        sent["data"]["relationships"] = relationships
        assert_refused(call(sent=sent), 400, "invalid", pointer)
    assert sandbox.read("profiles") == []


def test_the_browser_must_name_a_list(sandbox: Running) -> None:
    """Create Client Subscription is refused without its list."""
    sent = without(sandbox.client_subscription(), "data", "relationships", "list")

    assert_refused(sandbox.client_subscribe(sent=sent), 400, "invalid", LIST)


def test_the_guides_list_id_is_refused(sandbox: Running) -> None:
    """A list among the attributes is an unknown attribute, on both sides."""
    for call, sent in (
        (sandbox.subscribe, sandbox.job()),
        (sandbox.client_subscribe, sandbox.client_subscription()),
    ):
        sent["data"]["attributes"]["list_id"] = sandbox.account.list_id
        assert_refused(call(sent=sent), 400, "invalid", "/data/attributes/list_id")


def test_subscriptions_may_be_left_out_in_the_browser_alone(sandbox: Running) -> None:
    """Left out, they mean consent for every identifier given; a server must send them."""
    one = without(person(email=EMAIL, phone_number=PHONE), "attributes", "subscriptions")

    reply = sandbox.subscribe(one)
    assert_refused(reply, 400, "invalid", f"{SERVER_PERSON}/{CONSENT}")

    assert sandbox.client_subscribe(one).status_code == 202
    [profile] = sandbox.read("profiles")
    statuses = {name: each["marketing"]["status"] for name, each in profile["consent"].items()}
    assert statuses == {"email": "subscribed", "sms": "subscribed", "whatsapp": "never_subscribed"}


def test_a_birth_date_is_for_the_server_alone(sandbox: Running) -> None:
    """It must be a date, and the browser's operation doesn't know it."""
    good = person(email=EMAIL, age_gated_date_of_birth="2000-02-29")
    bad = person(email=EMAIL, age_gated_date_of_birth="2001-02-29")
    name = f"{ONE}/age_gated_date_of_birth"

    assert_refused(sandbox.subscribe(bad), 400, "invalid", f"{SERVER_PERSON}/{name}")
    assert_refused(sandbox.client_subscribe(good), 400, "invalid", f"{CLIENT_PERSON}/{name}")
    assert sandbox.subscribe(good).status_code == 202


@pytest.mark.parametrize("number", [0, 1001])
def test_no_profile_and_too_many_are_refused(sandbox: Running, number: int) -> None:
    """From one to a thousand profiles are taken."""
    people = [person(email=f"p{n}@shop.example.org") for n in range(number)]
    sent = sandbox.job()
    sent["data"]["attributes"]["profiles"]["data"] = people

    assert_refused(sandbox.subscribe(sent=sent), 400, "invalid", "/data/attributes/profiles/data")
    assert sandbox.read("profiles") == []


def test_a_thousand_profiles_are_taken(sandbox: Running) -> None:
    """The largest job that Klaviyo takes is taken."""
    people = [person(email=f"p{n}@shop.example.org") for n in range(1000)]

    assert sandbox.subscribe(*people).status_code == 202
    assert len(sandbox.read("profiles")) == 1000


def test_each_fault_points_at_its_profile(sandbox: Running) -> None:
    """One bad profile among good ones refuses the whole job, and says which it was."""
    reply = sandbox.subscribe(person(), person(email="ada"))

    assert_refused(reply, 400, "invalid", "/data/attributes/profiles/data/1/attributes/email")
    assert sandbox.read("profiles") == []


def test_the_server_subscribes(sandbox: Running) -> None:
    """A good job is a 202 with nothing in it; source, list and time are kept with the consent."""
    everything = consent_to("email", "sms", "whatsapp")

    reply = sandbox.subscribe(person(everything, email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, reply.content, reply.headers["Content-Length"]) == (202, b"", "0")
    assert reply.headers["RateLimit-Limit"] == "75, 75;w=1, 750;w=60"
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


def test_the_browser_subscribes(sandbox: Running) -> None:
    """A browser's call is readable for its page, and subscribes what it names alone."""
    reply = sandbox.client_subscribe(person(email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, reply.content, reply.headers["Content-Length"]) == (202, b"", "0")
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert sandbox.consent("email")["status"] == "subscribed"
    assert sandbox.consent("sms")["status"] == "never_subscribed"
    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["problems"]) == (CLIENT_SUBSCRIBE_OPERATION, [])


def test_a_browser_may_ask_first(sandbox: Running) -> None:
    """The preflight of a subscription is answered as the other one's is."""
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}

    client = sandbox.ask("OPTIONS", CLIENT_SUBSCRIBE_PATH, headers=headers)
    server = sandbox.ask("OPTIONS", SUBSCRIBE_PATH, headers=headers)

    assert (client.status_code, server.status_code) == (200, 405)
    assert client.headers["Access-Control-Allow-Origin"] == "*"
    assert sandbox.read("requests")[0]["operation"] == CLIENT_SUBSCRIBE_OPERATION


def test_keys_are_asked_for(sandbox: Running) -> None:
    """Neither side works without its own key."""
    assert sandbox.subscribe(Authorization=None).status_code == 401
    assert_refused(sandbox.client_subscribe(company_id="WRONG1"), 400, "invalid", "/data")
    assert sandbox.read("profiles") == []


@pytest.mark.parametrize(("side", "burst"), [("server", 75), ("browser", 350)])
def test_each_side_has_its_limit(sandbox: Running, side: str, burst: int) -> None:
    """The call after the burst is throttled."""
    call = sandbox.subscribe if side == "server" else sandbox.client_subscribe

    statuses = [call().status_code for _ in range(burst + 1)]

    assert statuses == [202] * burst + [429]


def test_tracking_is_not_consent_to_messages(sandbox: Running) -> None:
    """Consent to open tracking alone subscribes nobody."""
    one = person({"email": {"open_tracking": {"consent": "SUBSCRIBED"}}}, email=EMAIL)

    assert sandbox.subscribe(one).status_code == 202
    assert sandbox.read("profiles") == []
    assert "no consent to messages" in sandbox.notes()[0]


def test_without_a_list_nobody_new_is_made(sandbox: Running) -> None:
    """The server's schema allows no list: then only a profile that exists is subscribed."""
    sent = without(sandbox.job(), "data", "relationships")

    assert sandbox.subscribe(sent=sent).status_code == 202
    assert sandbox.read("profiles") == []
    assert "ignored: without a list" in sandbox.notes()[0]

    sandbox.server_call(body())
    assert sandbox.subscribe(sent=sent).status_code == 202
    assert (sandbox.consent("email")["status"], sandbox.notes()) == ("subscribed", [])


# --- historical imports


def historical(sandbox: Running, **more: Any) -> dict[str, Any]:
    """Return the body of a historical import."""
    return sandbox.job(person(consent_to("email", **more)), historical_import=True)


def test_a_historical_import_keeps_its_time(sandbox: Running) -> None:
    """It passes a double opt-in by, and the consent dates from then."""
    sandbox.set("list", opt_in_process="double_opt_in")

    reply = sandbox.subscribe(sent=historical(sandbox, consented_at="2020-01-01T00:00:00Z"))

    assert reply.status_code == 202
    found = sandbox.consent("email")
    assert (found["status"], found["since"]) == ("subscribed", "2020-01-01T00:00:00+00:00")


@pytest.mark.parametrize(
    "more",
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
def test_a_historical_import_needs_a_past_time(sandbox: Running, more: Any) -> None:
    """Without a time in the past it is refused."""
    reply = sandbox.subscribe(sent=historical(sandbox, **more))

    pointer = f"{SERVER_PERSON}/{CONSENT}/email/marketing/consented_at"
    assert_refused(reply, 400, "invalid", pointer)


# --- double opt-in


def test_double_opt_in_waits_for_a_confirmation(sandbox: Running) -> None:
    """Under double opt-in consent is pending, channel by channel, until its contact confirms."""
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.subscribe(person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE))
    statuses = [sandbox.consent(name)["status"] for name in ("email", "sms")]
    assert statuses == ["pending_confirmation"] * 2
    sandbox.clock.move(60)

    reply = sandbox.ask("POST", "/_sandbox/confirm", json={"contact": EMAIL.upper()})

    assert (reply.status_code, reply.json()) == (200, {"confirmed": ["EMAIL"]})
    found = sandbox.consent("email")
    assert (found["status"], found["since"]) == ("subscribed", "2026-11-24T12:01:00+00:00")
    assert sandbox.consent("sms")["status"] == "pending_confirmation"
    reply = sandbox.ask("POST", "/_sandbox/confirm", json={"contact": PHONE})
    assert reply.json() == {"confirmed": ["SMS"]}


def test_who_is_subscribed_stays_so(sandbox: Running) -> None:
    """A list that begins to ask for confirmations asks nobody who is subscribed."""
    sandbox.subscribe()
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.clock.move(1800)

    sandbox.subscribe()

    found = sandbox.consent("email")
    assert (found["status"], found["since"], sandbox.notes()) == ("subscribed", NOON, [])


def test_transactional_texts_need_no_confirmation(sandbox: Running) -> None:
    """A list confirms its marketing alone."""
    sandbox.set("list", opt_in_process="double_opt_in")

    sandbox.subscribe(person(consent_to("sms", purpose="transactional"), phone_number=PHONE))

    assert sandbox.consent("sms", "transactional")["status"] == "subscribed"
    assert sandbox.consent("sms")["status"] == "never_subscribed"


@pytest.mark.parametrize("contact", [EMAIL, PHONE, "nobody@shop.example.org"])
def test_nothing_to_confirm_is_404(sandbox: Running, contact: str) -> None:
    """Who is subscribed, or unknown, or pending elsewhere, has nothing to confirm."""
    sandbox.subscribe()

    reply = sandbox.ask("POST", "/_sandbox/confirm", json={"contact": contact})

    assert (reply.status_code, contact in reply.json()["error"]) == (404, True)


@pytest.mark.parametrize("sent", [None, [], {}, {"contact": 7}])
def test_a_confirmation_must_name_a_contact(sandbox: Running, sent: Any) -> None:
    """Anything else is a 400 that shows the form."""
    reply = sandbox.ask("POST", "/_sandbox/confirm", json=sent)

    assert (reply.status_code, reply.json()["error"][:16]) == (400, 'Send {"contact":')


# --- the pause of thirty minutes


@pytest.mark.parametrize("side", ["server", "browser"])
def test_a_second_subscribe_soon_changes_nothing(sandbox: Running, side: str) -> None:
    """Within 30 minutes a profile's next subscribe is a 202 that does nothing, and the record
    says so."""
    sandbox.subscribe()
    before = sandbox.read("profiles")
    sandbox.clock.move(29 * 60 + 59)
    call = sandbox.subscribe if side == "server" else sandbox.client_subscribe

    reply = call(person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, sandbox.read("profiles")) == (202, before)
    place = SERVER_PERSON if side == "server" else CLIENT_PERSON
    assert sandbox.notes() == [f"{place}: ignored: subscribed 29 minutes ago"]


def test_after_thirty_minutes_it_counts(sandbox: Running) -> None:
    """The pause is over after 30 minutes, and what is ignored doesn't lengthen it."""
    sandbox.subscribe()
    both = person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE)
    sandbox.clock.move(60)
    sandbox.subscribe(both)
    assert sandbox.notes() == [f"{SERVER_PERSON}: ignored: subscribed 1 minute ago"]
    sandbox.clock.move(29 * 60)

    sandbox.subscribe(both)

    assert sandbox.notes() == []
    assert sandbox.consent("sms")["status"] == "subscribed"
    sandbox.subscribe(both)
    assert sandbox.notes() == [f"{SERVER_PERSON}: ignored: subscribed 0 minutes ago"]


def test_a_profile_counts_once_in_a_job(sandbox: Running) -> None:
    """The same person twice in one job is one subscribe; others are not held up."""
    sandbox.subscribe(person(), person(), person(email="bea@shop.example.org"))

    assert [note.split(":")[0][-1] for note in sandbox.notes()] == ["1"]
    assert len(sandbox.read("profiles")) == 2


# --- phone numbers and regions


def test_the_magic_number_is_american(sandbox: Running) -> None:
    """Twilio's number for tests is taken wherever the USA is."""
    sandbox.set("regions", supported=["US"])

    assert sandbox.subscribe(person(consent_to("sms"), phone_number=MAGIC)).status_code == 202


def test_a_number_of_no_region_counts_to_its_country_code() -> None:
    """A number that the plan places nowhere belongs to the first region of its country code."""
    assert region_of("+12025550143") == "US"
    assert region_of("+12423221234") == "BS"
    assert region_of("+447700900123") == "GB"
    assert region_of("+11115550143") == "US"


def test_an_unsupported_region_is_refused(sandbox: Running) -> None:
    """SMS to another region is a 400 with a detail of its own, for consent as for a sign-up."""
    sandbox.set("regions", supported=["GB"])

    replies = [
        sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE)),
        sandbox.server_call(body(channels=["SMS"], phone_number=PHONE)),
        sandbox.browser_call(body(channels=["SMS"], phone_number=PHONE)),
    ]

    pointers = [f"{SERVER_PERSON}/{ONE}"] + [f"{CLIENT_PERSON}/{ONE}"] * 2
    for reply, pointer in zip(replies, pointers, strict=True):
        error = assert_refused(reply, 400, "invalid", f"{pointer}/phone_number")
        assert error["detail"].endswith("region, US.")
    assert sandbox.read("profiles") == []


def test_a_region_matters_to_sms_alone(sandbox: Running) -> None:
    """A number beside an email, and WhatsApp, are taken from anywhere."""
    sandbox.set("regions", supported=["GB"])

    assert sandbox.subscribe(person(email=EMAIL, phone_number=PHONE)).status_code == 202
    assert sandbox.server_call(body(email=EMAIL, phone_number=PHONE)).status_code == 202
    one = person(consent_to("whatsapp"), phone_number=JAPAN)
    assert sandbox.subscribe(one).status_code == 202


def test_an_account_without_sms_says_so(sandbox: Running) -> None:
    """No region at all is an account whose SMS was never set up."""
    sandbox.set("regions", supported=[])

    reply = sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))

    pointer = f"{SERVER_PERSON}/{ONE}/phone_number"
    assert "SMS is not set up" in assert_refused(reply, 400, "invalid", pointer)["detail"]


@pytest.mark.parametrize(
    "sent", [None, {}, {"supported": "US"}, {"supported": [1]}, {"supported": ["us"]}]
)
def test_regions_must_be_codes(sandbox: Running, sent: Any) -> None:
    """Anything else is a 400, and the regions stay."""
    before = sandbox.ask("GET", "/_sandbox/regions").json()
    assert {"US", "CA", "GB", "AU", "DE", "FR"} <= set(before["supported"])

    assert sandbox.ask("PUT", "/_sandbox/regions", json=sent).status_code == 400
    assert sandbox.ask("GET", "/_sandbox/regions").json() == before


def test_consent_belongs_to_its_number(sandbox: Running) -> None:
    """A profile that brings another number has not consented to texts there."""
    sandbox.subscribe(person(consent_to("sms"), email=EMAIL, phone_number=PHONE))
    sandbox.clock.move(1800)

    sandbox.subscribe(person(email=EMAIL, phone_number=MAGIC))

    assert sandbox.consent("sms")["status"] == "never_subscribed"
    assert sandbox.read("profiles")[0]["profile"]["phone_number"] == MAGIC


# --- who is reached


def test_texts_reach_subscribers_alone(sandbox: Running) -> None:
    """An email reaches whoever waits; a text only who is subscribed to that channel's marketing."""
    channels = ["EMAIL", "SMS", "WHATSAPP"]
    sandbox.server_call(body(channels=channels, email=EMAIL, phone_number=PHONE))
    assert sandbox.read("waiting")[0]["reachable"] == ["EMAIL"]

    sandbox.set("list", opt_in_process="double_opt_in")
    texts = consent_to("sms") | consent_to("whatsapp", purpose="transactional")
    sandbox.subscribe(person(texts, phone_number=PHONE))
    assert sandbox.read("waiting")[0]["reachable"] == ["EMAIL"]

    sandbox.ask("POST", "/_sandbox/confirm", json={"contact": PHONE})
    assert sandbox.read("waiting")[0]["reachable"] == ["EMAIL", "SMS"]


# --- drills


@pytest.mark.parametrize("side", ["server", "browser"])
def test_partial_takes_the_email_address_alone(sandbox: Running, side: str) -> None:
    """A 202 names the phone number as failed, and only the email address is subscribed."""
    operation = SUBSCRIBE_OPERATION if side == "server" else CLIENT_SUBSCRIBE_OPERATION
    call = sandbox.subscribe if side == "server" else sandbox.client_subscribe
    sandbox.drill("partial", operation=operation)

    reply = call(person(consent_to("email", "sms"), email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, reply.headers["X-Klaviyo-Partial-Failure"]) == (202, "phone_number")
    [profile] = sandbox.read("profiles")
    assert profile["profile"] == {"email": EMAIL}
    assert profile["consent"]["email"]["marketing"]["status"] == "subscribed"
    assert profile["consent"]["sms"]["marketing"]["status"] == "never_subscribed"


def test_partial_needs_two_identifiers(sandbox: Running) -> None:
    """With one identifier nothing can be half taken."""
    sandbox.drill("partial")

    assert "X-Klaviyo-Partial-Failure" not in sandbox.subscribe().headers
    assert sandbox.consent("email")["status"] == "subscribed"


def test_drills_speak_of_the_operations_own_body(sandbox: Running) -> None:
    """An error points into the body that was sent, and names the scopes that were needed."""
    for kind in ("400-email", "403", "400-list"):
        sandbox.drill(kind, operation=SUBSCRIBE_OPERATION)
    assert sandbox.server_call().status_code == 202

    assert_refused(sandbox.subscribe(), 400, "invalid", f"{SERVER_PERSON}/{ONE}/email")
    error = assert_refused(sandbox.subscribe(), 403, "permission_denied", "/data/")
    assert "lists:write, profiles:write, subscriptions:write" in error["detail"]
    assert_refused(sandbox.subscribe(), 400, "invalid", f"{LIST}/data/id")
    assert sandbox.subscribe().status_code == 202


def test_the_preflight_can_be_drilled(sandbox: Running) -> None:
    """A refused preflight is for the browser's operation, by its name."""
    sandbox.drill("cors", operation=CLIENT_SUBSCRIBE_OPERATION)
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}

    replies = [
        sandbox.ask("OPTIONS", path, headers=headers).status_code
        for path in ("/client/back-in-stock-subscriptions", CLIENT_SUBSCRIBE_PATH)
    ]

    assert replies == [200, 403]


def test_reset_forgets_consent(sandbox: Running) -> None:
    """Profiles, their pause, the list's opt-in and the regions begin afresh."""
    sandbox.subscribe()
    regions = sandbox.ask("GET", "/_sandbox/regions").json()
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.set("regions", supported=["GB"])

    sandbox.ask("POST", "/_sandbox/reset")

    assert sandbox.read("profiles") == []
    assert sandbox.ask("GET", "/_sandbox/list").json()["opt_in_process"] == "single_opt_in"
    assert sandbox.ask("GET", "/_sandbox/regions").json() == regions
    sandbox.subscribe()
    assert (sandbox.consent("email")["status"], sandbox.notes()) == ("subscribed", [])


def test_the_tests_bodies_are_the_specifications(sandbox: Running) -> None:
    """The bodies that the tests start from pass the schemas, so each refusal has one cause."""
    for path, sent in (
        (SUBSCRIBE_PATH, sandbox.job()),
        (CLIENT_SUBSCRIBE_PATH, sandbox.client_subscription()),
    ):
        assert spec.body_errors(path, "POST", sent) == []
        broken = deepcopy(sent)
        del broken["data"]["type"]
        assert spec.body_errors(path, "POST", broken) != []


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Return the lines that the sandbox logs."""
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
def test_contact_details_are_masked_in_the_log(sandbox: Running, side: str, log: list[str]) -> None:
    """The line of a call shows its first profile's contact details, masked."""
    call = sandbox.subscribe if side == "server" else sandbox.client_subscribe

    call(person(email=EMAIL, phone_number=PHONE))

    [line] = log
    assert "a•••@s•••.org +•••43" in line
    assert EMAIL not in line
    assert PHONE not in line
