"""Klaviyo's own Python SDK calls the sandbox as it would call Klaviyo."""

import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException

from tests.klaviyo_sandbox.conftest import EMAIL, SERVER_OPERATION, VARIANT, Running, body


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
