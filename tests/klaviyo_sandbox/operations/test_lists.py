"""The account's list: Klaviyo's Get List, and the switch of its opt-in."""

from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from requests import Response

from klaviyo_sandbox.protocol import spec
from tests.klaviyo_sandbox.conftest import MEDIA_TYPE, PHONE, Running, consent_to, person
from tests.klaviyo_sandbox.operations.test_back_in_stock import assert_refused


def get_list(sandbox: Running, list_id: str | None = None, query: str = "") -> Response:
    """Ask for a list as a server does."""
    headers = {
        "Authorization": f"Klaviyo-API-Key {sandbox.account.private_key}",
        "revision": "2026-07-15",
    }
    path = f"/api/lists/{list_id or sandbox.account.list_id}{query}"
    return sandbox.ask("GET", path, headers=headers)


def test_the_list_is_told(sandbox: Running) -> None:
    """The reply has the specified shape, and says how the list takes subscribers."""
    reply = get_list(sandbox)

    assert (reply.status_code, reply.headers["Content-Type"]) == (200, MEDIA_TYPE)
    assert reply.headers["RateLimit-Limit"] == "75, 75;w=1, 750;w=60"
    operation = spec.document()["paths"]["/api/lists/{id}"]["get"]
    reference = operation["responses"]["200"]["content"][MEDIA_TYPE]["schema"]
    schema = {**reference, "components": spec.document()["components"]}
    assert list(OAS30Validator(schema).iter_errors(reply.json())) == []
    data = reply.json()["data"]
    assert (data["type"], data["id"]) == ("list", sandbox.account.list_id)
    assert data["attributes"] == {
        "name": "Sandbox list",
        "created": "2026-11-24T12:00:00+00:00",
        "updated": "2026-11-24T12:00:00+00:00",
        "opt_in_process": "single_opt_in",
    }
    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["problems"]) == ("get_list", [])


def test_the_opt_in_can_be_switched(sandbox: Running) -> None:
    """What the control sets, Get List tells, with the time of the change."""
    sandbox.clock.move(60)

    reply = sandbox.ask("PUT", "/_sandbox/list", json={"opt_in_process": "double_opt_in"})

    assert reply.json() == sandbox.ask("GET", "/_sandbox/list").json()
    assert reply.json()["opt_in_process"] == "double_opt_in"
    attributes = get_list(sandbox).json()["data"]["attributes"]
    assert attributes["opt_in_process"] == "double_opt_in"
    assert attributes["updated"] == "2026-11-24T12:01:00+00:00"


@pytest.mark.parametrize(
    "sent", [None, [], {}, {"opt_in_process": "double"}, {"opt_in_process": 2}]
)
def test_another_opt_in_is_refused(sandbox: Running, sent: Any) -> None:
    """Anything but Klaviyo's two words is a 400, and the list stays."""
    assert sandbox.ask("PUT", "/_sandbox/list", json=sent).status_code == 400
    assert sandbox.ask("GET", "/_sandbox/list").json()["opt_in_process"] == "single_opt_in"


@pytest.mark.parametrize("list_id", ["NOLIST", "%2e%2e", "a/b"])
def test_an_unknown_list_is_404(sandbox: Running, list_id: str) -> None:
    """Any other ID is not found."""
    assert_refused(get_list(sandbox, list_id), 404, "not_found", "/data/")


def test_it_needs_the_private_key(sandbox: Running) -> None:
    """Nobody without the key learns anything of the list."""
    path = f"/api/lists/{sandbox.account.list_id}"

    reply = sandbox.ask("GET", path, headers={"revision": "2026-07-15"})

    assert_refused(reply, 401, "not_authenticated", "/data/")


def test_it_can_only_be_read(sandbox: Running) -> None:
    """Another method is a 405 that names the one there is."""
    reply = sandbox.ask("POST", f"/api/lists/{sandbox.account.list_id}")

    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET")


def test_fields_can_be_chosen(sandbox: Running) -> None:
    """A sparse fieldset and the number of subscribers, who are confirmed."""
    sandbox.subscribe()
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.subscribe(person(consent_to("sms"), phone_number=PHONE))
    query = "?additional-fields[list]=profile_count&fields[list]=profile_count,name"

    reply = get_list(sandbox, query=query)

    assert reply.json()["data"]["attributes"] == {"name": "Sandbox list", "profile_count": 1}


def test_reset_empties_the_list(sandbox: Running) -> None:
    """Who was subscribed before a reset is not counted after it."""
    query = "?additional-fields[list]=profile_count"
    sandbox.subscribe()
    assert get_list(sandbox, query=query).json()["data"]["attributes"]["profile_count"] == 1

    sandbox.ask("POST", "/_sandbox/reset")

    assert get_list(sandbox, query=query).json()["data"]["attributes"]["profile_count"] == 0


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?page[size]=2", "page[size]"),
        ("?include=profiles", "include"),
        ("?fields[list]=name,colour", "fields[list]"),
    ],
)
def test_an_unknown_parameter_is_refused(sandbox: Running, query: str, parameter: str) -> None:
    """A parameter or a value that the specification lacks is a 400 that names it."""
    reply = get_list(sandbox, query=query)

    [error] = reply.json()["errors"]
    assert (reply.status_code, error["code"]) == (400, "invalid")
    assert error["source"] == {"parameter": parameter}


def test_the_operation_can_be_drilled(sandbox: Running) -> None:
    """A drill for the list leaves other operations alone."""
    sandbox.drill("503", operation="get_list")

    assert sandbox.subscribe().status_code == 202
    assert [get_list(sandbox).status_code for _ in range(2)] == [503, 200]
