"""The merchant's password: who gets in, how long, and what strangers can learn."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from notify_me import SettingsError
from storefront.merchant import access
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page, words

LOGIN = "/merchant/login"
PASSWORD = "four words for rain"
# one round: the hash's work is werkzeug's, and the command's test uses a real one
HASH = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
OUTSIDE = {"base_url": "https://shop.example"}


@pytest.fixture
def app(tmp_path: Path, filled: Path) -> Iterator[Flask]:
    """A shop in earnest, with a password."""
    shutil.copy(filled, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", MERCHANT_PASSWORD_HASH=HASH)
    app.config["DEMO"] = False
    yield app
    close(app)


def sign_in(
    client: FlaskClient, password: str = PASSWORD, address: str = "192.0.2.7", **form: str
) -> TestResponse:
    """Send the form."""
    return client.post(
        LOGIN,
        data={"password": password, **form},
        environ_overrides={"REMOTE_ADDR": address},
        **OUTSIDE,
    )


def test_the_password_opens_every_room(client: FlaskClient) -> None:
    """Whoever isn't in is asked, and then gets to where they were going; the cookie is for this
    shop alone, out of reach of scripts, and new with each page, until they sign out.
    """
    for url in ("/merchant?product=dreich-mug", "/merchant/demand", "/merchant/demand.csv"):
        asked = client.get(url, **OUTSIDE)
        assert asked.status_code == 303
        assert "no-store" in asked.headers["Cache-Control"]
        form = client.get(asked.location, **OUTSIDE)
        assert form.status_code == 200
        assert f'name="next" value="{url}"' in form.text
    closed = client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"}, **OUTSIDE)
    assert (closed.status_code, closed.location) == (303, LOGIN)

    opened = sign_in(client, next="/merchant/demand?days=7")

    assert (opened.status_code, opened.location) == (303, "/merchant/demand?days=7")
    cookie = opened.headers["Set-Cookie"]
    assert cookie.startswith("shop_merchant=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Max-Age=43200", "Path=/"):
        assert part in cookie.split("; ")
    page = client.get("/merchant/demand", **OUTSIDE)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Set-Cookie"].split(";")[0] != cookie.split(";")[0]
    assert client.get(LOGIN, **OUTSIDE).location == "/merchant"
    assert client.get(f"{LOGIN}?next={LOGIN}", **OUTSIDE).location == "/merchant"

    out = client.post("/merchant/logout", **OUTSIDE)
    assert (out.status_code, out.location) == (303, "/")
    assert client.get("/merchant", **OUTSIDE).status_code == 303


def test_a_wrong_password_is_told_beside_the_field(client: FlaskClient) -> None:
    """Without a hint, and what it was is not in the reply."""
    for wrong in ("", "Four words for rain", PASSWORD * 100):
        reply = sign_in(client, wrong)
        assert reply.status_code == 422
        assert "That isn’t the password. Please try again." in words(reply.text)
        assert 'aria-invalid="true" aria-describedby="problem"' in reply.text
        assert not wrong or wrong not in reply.text
        assert "Set-Cookie" not in reply.headers


def test_shoppers_pages_know_nothing_of_it(client: FlaskClient) -> None:
    """They set no cookie, for a shopper or for the merchant, and show the way in to the latter
    alone.
    """
    before = client.get("/", **OUTSIDE)
    sign_in(client)
    after = client.get("/", **OUTSIDE)

    assert "Set-Cookie" not in before.headers
    assert "Set-Cookie" not in after.headers
    assert ("/merchant" in before.text, "/merchant" in after.text) == (False, True)
    client.delete_cookie("shop_merchant", domain="shop.example")
    assert client.get("/", **OUTSIDE).headers["ETag"] == before.headers["ETag"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
def test_it_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    """An address of another site is left out."""
    assert sign_in(client, next=elsewhere).location == "/merchant"


def test_it_ends(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a time without a page, with another password, and with a cookie that isn't ours."""
    sign_in(client)
    assert client.get("/merchant", **OUTSIDE).status_code == 200
    with monkeypatch.context() as later:
        later.setattr(access, "IDLE", -1)
        assert client.get("/merchant", **OUTSIDE).status_code == 303

    app.config["MERCHANT_PASSWORD_HASH"] = generate_password_hash("x", method="pbkdf2:sha256:1")
    assert client.get("/merchant", **OUTSIDE).status_code == 303
    app.config["MERCHANT_PASSWORD_HASH"] = HASH
    assert client.get("/merchant", **OUTSIDE).status_code == 200
    client.set_cookie("shop_merchant", "IjEi.aSUFJQ.forged", domain="shop.example")
    assert client.get("/merchant", **OUTSIDE).status_code == 303


def test_guessing_is_slow(client: FlaskClient) -> None:
    """From one address, and then the right one doesn't count; and from many."""
    tries = [sign_in(client, "guess").status_code for _ in range(8)]
    assert set(tries) == {422, 429}
    right = sign_in(client)
    assert right.status_code == 429
    assert 1 <= int(right.headers["Retry-After"]) <= 3600
    assert "too many tries" in words(right.text)
    assert sign_in(client, address="192.0.2.8").status_code == 303

    many = [sign_in(client, "guess", f"198.51.100.{each}").status_code for each in range(70)]
    assert many[0] == 422
    assert many[-1] == 429


def test_limits_cannot_be_switched_off(tmp_path: Path) -> None:
    """Those of the sign-ups can."""
    more = {"MERCHANT_PASSWORD_HASH": HASH, "RATELIMIT_ENABLED": "0"}
    app = make_shop(tmp_path / "shop.db", **more)

    assert 429 in {sign_in(app.test_client(), "guess").status_code for _ in range(8)}
    close(app)


def test_another_site_cannot_send_the_form(client: FlaskClient) -> None:
    """Neither in nor out."""
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for url in (LOGIN, "/merchant/logout"):
        reply = client.post(url, data={"password": PASSWORD}, headers=headers, **OUTSIDE)
        assert reply.status_code == 403
        assert "Set-Cookie" not in reply.headers


def test_a_password_is_asked_for_in_a_demo_too(app: Flask, client: FlaskClient) -> None:
    """Where there is one, it is asked for everywhere; where there is none, there is no form."""
    app.config["DEMO"] = True
    assert client.get("/merchant").status_code == 303
    app.config["MERCHANT_PASSWORD_HASH"] = ""
    assert "Sign out" not in Page(client, "/merchant").text
    app.config["DEMO"] = False
    for url in ("/merchant", "/merchant/demand", LOGIN):
        assert client.get(url).status_code == 404
    assert client.post(LOGIN, data={"password": ""}).status_code == 404
    assert client.post("/merchant/logout").status_code == 404


def test_the_command_makes_a_hash_that_opens(app: Flask, client: FlaskClient) -> None:
    """It asks twice, shows nothing of the password, and refuses a short one."""
    run = app.test_cli_runner().invoke
    short = run(args=["storefront", "hash-password"], input="short\nshort\n")
    assert short.exit_code == 1
    assert "12 characters or more" in short.output

    made = run(args=["storefront", "hash-password"], input=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0
    assert PASSWORD not in made.output
    name, _, hashed = made.output.splitlines()[-1].partition("=")
    assert name == "MERCHANT_PASSWORD_HASH"
    app.config[name] = hashed.strip("'")
    assert sign_in(client).status_code == 303


@pytest.mark.parametrize("wrong", [PASSWORD, "scrypt:32768:8:1", "md5$salt$0a0a"])
def test_what_is_no_hash_stops_the_start(tmp_path: Path, wrong: str) -> None:
    """It may be the password: it isn't repeated."""
    with pytest.raises(SettingsError, match="flask storefront hash-password") as told:
        make_shop(tmp_path / "shop.db", MERCHANT_PASSWORD_HASH=wrong)

    assert wrong not in str(told.value)
