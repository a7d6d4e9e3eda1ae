"""Sign-ups for several variants: the form's list, one call per variant, and one for consent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import post_form, view
from tests.notify_me.offers import (
    ADA,
    ELEMENT,
    PHONE,
    PHONE_SHOWN,
    PREFIX,
    TYPED_PHONE,
    Scenario,
    all_scenarios,
    back_in_stock,
    checked_boxes,
    field_errors,
    paths_and_bodies,
    scenario_params,
    sign_up_calls,
    submit_element,
    submit_page,
    subscription,
    valid_sign_up_calls,
)
from tests.notify_me.small_shop import DictCatalog
from tests.support import Sandbox

S, M, L = (f"{PREFIX}PARKA-{size}-MOSS" for size in "SML")
RUST = f"{PREFIX}PARKA-M-RUST"
FORM = f"/notify-me/{M}"
NONE_CHOSEN = "Choose at least one option."
DATA: dict[str, Any] = {
    "channels": ["EMAIL", "SMS"],
    "email": ADA,
    "phone_number": TYPED_PHONE,
    "opt_in_promotional_sms": "SMS",
    "variants": [S, M, L],
}


@pytest.fixture(autouse=True)
def small_parka(catalog: DictCatalog) -> None:
    """Add the parka in S / Moss, so that three of its variants are sold out."""
    options = {"Size": "S", "Colour": "Moss"}
    catalog.add("parka", "Harbour Parka", "PARKA-S-MOSS", 0, options=options)


@pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "fragment"])
def test_list_preselects_the_variant_of_the_page(
    offering: Callable[..., Flask], headers: dict[str, str]
) -> None:
    """The form lists only the product's sold-out variants."""
    form = post_form(view(offering("EMAIL", "SMS").test_client().get(FORM, headers=headers)))

    boxes = form.all("input", name="variants")
    assert {box["type"] for box in boxes} == {"checkbox"}
    assert sorted(box["value"] for box in boxes) == sorted([S, M, L])
    assert sorted(box.parent.text for box in boxes if box.parent) == [
        "L / Moss",
        "M / Moss",
        "S / Moss",
    ]
    assert checked_boxes(form) == {("variants", M), ("channels", "EMAIL")}


def test_single_sold_out_variant_has_no_list(
    offering: Callable[..., Flask], catalog: DictCatalog
) -> None:
    """If no other variant is sold out, the variant is in a hidden field."""
    for variant in [*catalog.variants.values()]:
        if variant.product_id == "parka" and str(variant.composite_id) != M:
            catalog.stock(variant, 1)

    form = post_form(view(offering("EMAIL").test_client().get(FORM)))

    [field] = form.all("input", name="variants")
    assert (field["type"], field["value"]) == ("hidden", M)


@all_scenarios
def test_selecting_no_variant_is_an_error(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    """The reply is 422 with nothing selected, not even the page's variant."""
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE=scenario.mode).test_client()
    action = post_form(view(client.get(FORM)))["action"]

    reply = scenario.send(client, action, {**DATA, "variants": []})

    assert reply.status_code == 422
    root = view(reply)
    assert field_errors(root) == {"variants": NONE_CHOSEN}
    form = post_form(root)
    assert {value for name, value in checked_boxes(form) if name == "variants"} == set()
    assert len(form.all("input", name="variants")) == 3
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []
    # the form in the reply gets the same error when it is sent unchanged
    assert field_errors(view(scenario.send(client, form["action"], {**DATA, "variants": []}))) == {
        "variants": NONE_CHOSEN
    }


def test_selection_is_kept_after_another_error(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """An error in another field doesn't change the selection."""
    client = offering("EMAIL", "SMS").test_client()

    for chosen in ([S, L], [L]):
        reply = submit_page(
            client, f"{FORM}?listed=1", {**DATA, "email": "ada", "variants": chosen}
        )
        kept = {value for name, value in checked_boxes(view(reply)) if name == "variants"}
        assert kept == set(chosen)
    assert sandbox.requests() == []


@all_scenarios
def test_one_call_per_variant_and_one_for_consent(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    """Three subscriptions in the submitted order are followed by one consent call."""
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE=scenario.mode).test_client()

    reply = scenario.send(client, FORM, DATA)

    identifiers = {"email": ADA, "phone_number": PHONE}
    list_id = sandbox.account.list_id
    assert paths_and_bodies(valid_sign_up_calls(sandbox)) == [
        *[
            (scenario.paths[0], back_in_stock(variant, ["EMAIL", "SMS"], identifiers))
            for variant in (S, M, L)
        ],
        (scenario.paths[1], subscription(scenario, list_id, ["SMS"], {"phone_number": PHONE})),
    ]
    assert log_file.states() == ["accepted"] * 4
    contacts = ("a•••@e•••.org", "+1•••43") if reply.json is None else (ADA, PHONE_SHOWN)
    assert view(reply).one("p", class_="notify-me__body").text == (
        f"We’ll email {contacts[0]} and text {contacts[1]} as soon as Harbour Parka (S / Moss), "
        "Harbour Parka (M / Moss) or Harbour Parka (L / Moss) is back in stock."
    )
    assert [entry["variant"] for entry in sandbox.waiting()] == [S, M, L]


def test_only_the_browsers_consent_call_waits_for_an_acceptance(
    offering: Callable[..., Flask],
) -> None:
    """`after_any` marks a call that is only made after another call was accepted."""
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE="client").test_client()

    calls = submit_element(client, FORM, DATA).get_json()["calls"]

    assert [call["after_any"] for call in calls] == [False, False, False, True]


@pytest.mark.parametrize(
    ("scenario", "unknown"),
    scenario_params({"first": [[S]], "second": [[M]], "all": [[S, M, L]]}, ["second"]),
)
def test_variants_unknown_to_klaviyo_are_queued_and_confirmed(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    lines: list[str],
    scenario: Scenario,
    unknown: list[str],
) -> None:
    """The shopper sees the same text as for known variants. The log has one line per unknown
    variant.
    """
    sandbox.unknown(*unknown)
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE=scenario.mode).test_client()

    for _ in range(2):
        reply = scenario.send(client, FORM, DATA)

        assert reply.status_code == 200
        root = view(reply)
        assert "You’re on the list" in root.text
        assert root.one("p", class_="notify-me__body").text.count("Harbour Parka") == 3
        assert not root.all("div", class_="notify-me__alert")
    assert {entry["variant"] for entry in sandbox.waiting()} == {S, M, L} - {*unknown}
    expected = ["queued" if variant in unknown else "accepted" for variant in (S, M, L)]
    expected.append("queued" if len(unknown) == 3 else "accepted")
    assert log_file.states() == expected * 2
    errors = [line for line in lines if line.startswith("ERROR")]
    assert len(errors) == len(unknown)
    for variant, line in zip(unknown, errors, strict=True):
        assert variant in line
        assert "flask notify-me push-catalog" in line


def test_failure_of_one_variant_does_not_stop_consent(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """The failed call is queued, so the confirmation names its variant like the others."""
    sandbox.drill("500", operation="create_back_in_stock_subscription")

    reply = submit_element(offering("EMAIL", "SMS").test_client(), FORM, DATA)

    assert [call["status"] for call in sign_up_calls(sandbox)] == [500, 202, 202, 202]
    assert view(reply).all("li") == []
    assert view(reply).one("p", class_="notify-me__body").text == (
        f"We’ll email {ADA} and text {PHONE_SHOWN} as soon as Harbour Parka (S / Moss), Harbour "
        "Parka (M / Moss) or Harbour Parka (L / Moss) is back in stock."
    )
    assert log_file.states() == ["queued", "accepted", "accepted", "accepted"]


@pytest.mark.parametrize(
    ("path", "signed_up"), [(FORM, [M, L]), (f"{FORM}?choose=1", [M, L, f"*{M}"])]
)
def test_reply_names_the_buttons_of_the_accepted_variants(
    offering: Callable[..., Flask], sandbox: Sandbox, path: str, signed_up: list[str]
) -> None:
    """The call for S fails. The ID with an asterisk is that of a product card's button."""
    sandbox.drill("400-unknown-pointer", operation="create_back_in_stock_subscription")

    reply = submit_element(offering("EMAIL", "SMS").test_client(), path, DATA)

    assert reply.json is not None
    assert reply.json["signed_up"] == signed_up


@pytest.mark.parametrize(("kind", "field"), [("400-email", "email"), ("400-phone", "phone_number")])
@pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "element"])
def test_refused_contact_is_sent_only_once(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    kind: str,
    field: str,
    headers: dict[str, str],
) -> None:
    """After the refusal, no further calls are made, and the field has one error."""
    sandbox.drill(kind, operation="create_back_in_stock_subscription")
    channel = "EMAIL" if field == "email" else "SMS"
    client = offering("EMAIL", "SMS").test_client()

    reply = client.post(FORM, data={**DATA, "channels": channel}, headers=headers)

    assert reply.status_code == 422
    assert [*field_errors(view(reply))] == [field]
    assert [call["status"] for call in sign_up_calls(sandbox)] == [400]
    assert {*log_file.states()[1:]} == {"failed"}
    assert sandbox.waiting() == []


def test_refused_contact_is_sent_only_once_by_the_server(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """If the browser is blocked in client mode, the server makes only one call."""
    sandbox.drill("400-email", operation="create_back_in_stock_subscription")
    client = offering("EMAIL", NOTIFY_ME_MODE="client").test_client()
    data = {**DATA, "channels": "EMAIL"}
    sign_up = submit_element(client, FORM, data).get_json()["sign_up"]

    blocked = {**data, "sign_up": sign_up, "answers": "[null, null, null]"}
    reply = submit_element(client, FORM, blocked)

    assert reply.status_code == 422
    assert [*field_errors(view(reply))] == ["email"]
    assert [call["status"] for call in sign_up_calls(sandbox)] == [400]
    assert log_file.states() == ["refused", "failed", "failed"]


def test_refused_channel_is_left_out_of_the_other_variants_calls(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    sandbox.drill("400-phone", operation="create_back_in_stock_subscription")
    client = offering("EMAIL", "SMS").test_client()

    reply = submit_element(client, FORM, DATA)

    assert reply.status_code == 200
    assert [waiting["channels"] for waiting in sandbox.waiting()] == [["EMAIL"]] * 3
    assert [call["status"] for call in sign_up_calls(sandbox)] == [400, 202, 202, 202]
    assert log_file.states() == ["accepted", "accepted", "accepted", "refused"]


@all_scenarios
@pytest.mark.parametrize("path", [FORM, f"{FORM}?choose=1"])
def test_list_stays_when_the_pages_variant_is_back_in_stock(
    offering: Callable[..., Flask],
    catalog: DictCatalog,
    sandbox: Sandbox,
    log_file: LogFile,
    scenario: Scenario,
    path: str,
) -> None:
    """When M is back in stock, the form lists S and L, with L selected, and then sends L."""
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE=scenario.mode).test_client()
    action = post_form(view(client.get(path)))["action"]
    [variant] = [variant for variant in catalog.variants.values() if str(variant.composite_id) == M]
    catalog.stock(variant, 1)

    reply = scenario.send(client, action, {**DATA, "variants": [M, L]})

    assert reply.status_code == 422
    root = view(reply)
    assert field_errors(root) == {"variants": "You can order M / Moss now, so no alert is needed."}
    form = post_form(root)
    boxes = form.all("input", name="variants")
    assert {(box["type"], box["value"]) for box in boxes} == {("checkbox", S), ("checkbox", L)}
    assert {value for name, value in checked_boxes(form) if name == "variants"} == {L}
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []

    again = scenario.send(client, form["action"], by_name(form.form_data()))

    assert again.status_code == 200
    assert [entry["variant"] for entry in sandbox.waiting()] == [L]


def test_last_listed_variant_stays_listed(
    offering: Callable[..., Flask], catalog: DictCatalog, sandbox: Sandbox
) -> None:
    """If two of three variants are back in stock, the third still has a checkbox."""
    client = offering("EMAIL").test_client()
    action = post_form(view(client.get(FORM)))["action"]
    for variant in [*catalog.variants.values()]:
        if str(variant.composite_id) in (M, S):
            catalog.stock(variant, 1)
    data = {"channels": "EMAIL", "email": ADA}

    reply = submit_element(client, action, {**data, "variants": [M, L]})

    form = post_form(view(reply))
    [box] = form.all("input", name="variants")
    assert (box["type"], box["value"], "checked" in box) == ("checkbox", L, True)
    nothing_chosen = submit_element(client, form["action"], data)
    assert nothing_chosen.status_code == 422
    assert field_errors(view(nothing_chosen)) == {"variants": NONE_CHOSEN}
    assert submit_element(client, form["action"], {**data, "variants": [L]}).status_code == 200
    assert [entry["variant"] for entry in sandbox.waiting()] == [L]


def by_name(sent: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Return form data as a dict of lists, for the test client."""
    return {name: [value for field_name, value in sent if field_name == name] for name, _ in sent}


def test_restocked_variant_is_reported_before_anything_is_sent(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """The form names the variant that can be bought. No call is made for the other variant yet."""
    reply = submit_element(
        offering("EMAIL", "SMS").test_client(), FORM, {**DATA, "variants": [RUST, M]}
    )

    assert reply.status_code == 422
    assert field_errors(view(reply)) == {
        "variants": "You can order M / Rust now, so no alert is needed."
    }
    assert sandbox.requests() == []
