"""Klaviyo's own Python SDK calls the sandbox as it would call Klaviyo."""

import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    SERVER_OPERATION,
    SUBSCRIBE_OPERATION,
    VARIANT,
    Running,
    body,
)


def sdk(sandbox: Running, key: str) -> KlaviyoAPI:
    """Return Klaviyo's SDK, pointed at the sandbox."""
    return KlaviyoAPI(key, max_retries=0, test_host=sandbox.url)


def test_the_sdk_signs_up(sandbox: Running) -> None:
    """The SDK's call is accepted, and recorded without a problem."""
    api = sdk(sandbox, sandbox.account.private_key)

    api.Catalogs.create_back_in_stock_subscription(body())

    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["status"], entry["problems"]) == (SERVER_OPERATION, 202, [])
    assert entry["headers"]["Revision"] == "2026-10-15"
    [waiting] = sandbox.read("waiting")
    assert (waiting["variant"], waiting["profile"]["email"]) == (VARIANT, EMAIL)


def test_the_sdk_understands_a_refusal(sandbox: Running) -> None:
    """A wrong key reaches the SDK's caller as its own exception, with the status."""
    api = sdk(sandbox, "pk_wrong")

    with pytest.raises(ApiException) as caught:
        api.Catalogs.create_back_in_stock_subscription(body())

    assert caught.value.status == 401


def test_the_sdk_subscribes(sandbox: Running) -> None:
    """The SDK's consent call is accepted without a problem, and its profile is subscribed."""
    api = sdk(sandbox, sandbox.account.private_key)

    api.Profiles.bulk_subscribe_profiles(sandbox.job())

    [entry] = sandbox.read("requests")
    assert (entry["operation"], entry["status"], entry["problems"]) == (
        SUBSCRIBE_OPERATION,
        202,
        [],
    )
    assert sandbox.consent("email")["status"] == "subscribed"


def test_the_sdk_understands_an_unknown_list(sandbox: Running) -> None:
    """A subscription to a list that isn't there is the SDK's exception, with Klaviyo's pointer."""
    api = sdk(sandbox, sandbox.account.private_key)
    sent = sandbox.job()
    sent["data"]["relationships"]["list"]["data"]["id"] = "NOLIST"

    with pytest.raises(ApiException) as caught:
        api.Profiles.bulk_subscribe_profiles(sent)

    assert caught.value.status == 400
    assert "/data/relationships/list/data/id" in str(caught.value.body)


def test_the_sdk_reads_the_list(sandbox: Running) -> None:
    """The SDK's model of a list takes the reply, and tells the opt-in."""
    api = sdk(sandbox, sandbox.account.private_key)
    sandbox.set("list", opt_in_process="double_opt_in")

    found = api.Lists.get_list(sandbox.account.list_id)

    data = found["data"] if isinstance(found, dict) else found.data.to_dict()
    assert data["id"] == sandbox.account.list_id
    assert data["attributes"]["opt_in_process"] == "double_opt_in"
    with pytest.raises(ApiException) as caught:
        api.Lists.get_list("NOLIST")
    assert caught.value.status == 404
