"""The Brands operations: two made-up brands, or none."""

from __future__ import annotations

import struct

import pytest

from klaviyo_sandbox.state.brands import BRANDS
from tests.klaviyo_sandbox.conftest import RunningSandbox, error_of

PATHS = ("brand-buttons", "brand-colors", "brand-logos", "brand-email-defaults")


@pytest.mark.parametrize("brand", BRANDS)
def test_brand_has_a_button_colors_a_logo_and_email_defaults(
    sandbox: RunningSandbox, brand: str
) -> None:
    sandbox.set("account", brand=brand)

    replies = {path: sandbox.api("GET", path).json()["data"] for path in PATHS}

    [button], [colors] = replies["brand-buttons"], replies["brand-colors"]
    assert button["attributes"]["is_primary"] is True
    assert colors["attributes"]["name"] == BRANDS[brand].name
    assert len(colors["attributes"]["colors"]) == 4
    [defaults] = replies["brand-email-defaults"]
    assert defaults["relationships"]["brand-button"]["data"]["id"] == button["id"]


@pytest.mark.parametrize("brand", BRANDS)
def test_logo_is_a_picture_that_the_sandbox_serves(sandbox: RunningSandbox, brand: str) -> None:
    sandbox.set("account", brand=brand)

    reply = sandbox.api("GET", "brand-logos?include=image").json()

    [logo], [image] = reply["data"], reply["included"]
    assert image["id"] == logo["relationships"]["image"]["data"]["id"]
    assert image["attributes"]["image_url"].startswith(sandbox.url)
    content = sandbox.request(
        "GET", image["attributes"]["image_url"].removeprefix(sandbox.url)
    ).content
    assert len(content) == image["attributes"]["size"]
    size = struct.unpack(">II", content[16:24])  # in a PNG's header
    assert size == (logo["attributes"]["width"], logo["attributes"]["height"])


def test_related_resources_are_only_included_on_request(sandbox: RunningSandbox) -> None:
    assert "included" not in sandbox.api("GET", "brand-logos").json()
    query = "include=brand-button&fields[brand-button]=name"
    reply = sandbox.api("GET", f"brand-email-defaults?{query}").json()

    assert [item["attributes"] for item in reply["included"]] == [{"name": "Main button"}]


def test_account_without_a_brand(sandbox: RunningSandbox) -> None:
    sandbox.set("account", brand="none")

    assert [sandbox.api("GET", path).json()["data"] for path in PATHS] == [[], [], [], []]


def test_scope_is_required(sandbox: RunningSandbox) -> None:
    sandbox.set("account", scopes=["accounts:read"])

    for path in PATHS:
        reply = sandbox.api("GET", path)

        assert error_of(reply)[:2] == (403, "permission_denied")
        assert "brands:read" in reply.json()["errors"][0]["detail"]
