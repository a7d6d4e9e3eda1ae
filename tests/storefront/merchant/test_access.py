"""The merchant's password: who has access, for how long, and what strangers can learn."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from notify_me import SettingsError
from storefront.merchant import access
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page, text_of

LOGIN = "/merchant/login"
PASSWORD = "four words for rain"
# one round makes the tests fast; the test of the command uses a real hash
HASH = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
OUTSIDE = {"base_url": "https://shop.example"}


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path) -> Iterator[Flask]:
    """A shop that isn't a demo and has a password."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", MERCHANT_PASSWORD_HASH=HASH)
    app.config["DEMO"] = False
    yield app
    close(app)


def sign_in(
    client: FlaskClient, password: str = PASSWORD, address: str = "192.0.2.7", **form: str
) -> TestResponse:
    """Submit the sign-in form."""
    return client.post(
        LOGIN,
        data={"password": password, **form},
        environ_overrides={"REMOTE_ADDR": address},
        **OUTSIDE,
    )


def test_signing_in_and_out(client: FlaskClient) -> None:
    """Sign-in leads to the requested page, and each page renews the cookie."""
    for url in ("/merchant?product=dreich-mug", "/merchant/demand", "/merchant/demand.csv"):
        redirect = client.get(url, **OUTSIDE)
        assert redirect.status_code == 303
        assert "no-store" in redirect.headers["Cache-Control"]
        form = client.get(redirect.location, **OUTSIDE)
        assert form.status_code == 200
        assert f'name="next" value="{url}"' in form.text
    refused = client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"}, **OUTSIDE)
    assert (refused.status_code, refused.location) == (303, f"{LOGIN}?unsaved=1")
    assert "your change wasn’t saved" in client.get(refused.location, **OUTSIDE).text

    signed_in = sign_in(client, next="/merchant/demand?days=7")

    assert (signed_in.status_code, signed_in.location) == (303, "/merchant/demand?days=7")
    cookie = signed_in.headers["Set-Cookie"]
    assert cookie.startswith("shop_merchant=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Max-Age=43200", "Path=/"):
        assert part in cookie.split("; ")
    page = client.get("/merchant/demand", **OUTSIDE)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Set-Cookie"].startswith("shop_merchant=")
    assert client.get(LOGIN, **OUTSIDE).location == "/merchant"
    assert client.get(f"{LOGIN}?next={LOGIN}", **OUTSIDE).location == "/merchant"

    signed_out = client.post("/merchant/logout", **OUTSIDE)
    assert (signed_out.status_code, signed_out.location) == (303, "/")
    assert client.get("/merchant", **OUTSIDE).status_code == 303


def test_wrong_password_is_an_error_and_never_repeated(client: FlaskClient) -> None:
    for wrong in ("", "Four words for rain", PASSWORD * 100):
        reply = sign_in(client, wrong)
        assert reply.status_code == 422
        assert "Wrong password. Please try again." in text_of(reply.text)
        assert 'aria-invalid="true" aria-describedby="problem"' in reply.text
        assert not wrong or wrong not in reply.text
        assert "Set-Cookie" not in reply.headers


def test_shop_pages_set_no_cookie_and_only_show_merchants_their_link(client: FlaskClient) -> None:
    before = client.get("/", **OUTSIDE)
    sign_in(client)
    after = client.get("/", **OUTSIDE)

    assert "Set-Cookie" not in before.headers
    assert "Set-Cookie" not in after.headers
    assert ("/merchant" in before.text, "/merchant" in after.text) == (False, True)
    client.delete_cookie("shop_merchant", domain="shop.example")
    assert client.get("/", **OUTSIDE).headers["ETag"] == before.headers["ETag"]


@pytest.mark.parametrize(
    "address",
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
def test_sign_in_never_redirects_to_another_site(client: FlaskClient, address: str) -> None:
    assert sign_in(client, next=address).location == "/merchant"


def test_session_ends(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inactivity or a new password ends a session, and a forged cookie is never accepted."""
    sign_in(client)
    assert client.get("/merchant", **OUTSIDE).status_code == 200
    with monkeypatch.context() as later:
        later.setattr(access, "IDLE_TIMEOUT", -1)
        assert client.get("/merchant", **OUTSIDE).status_code == 303

    app.config["MERCHANT_PASSWORD_HASH"] = generate_password_hash("x", method="pbkdf2:sha256:1")
    assert client.get("/merchant", **OUTSIDE).status_code == 303
    app.config["MERCHANT_PASSWORD_HASH"] = HASH
    assert client.get("/merchant", **OUTSIDE).status_code == 200
    client.set_cookie("shop_merchant", "IjEi.aSUFJQ.forged", domain="shop.example")
    assert client.get("/merchant", **OUTSIDE).status_code == 303


def test_clocks_of_two_machines_may_differ(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = time.time() + 5
    with monkeypatch.context() as other_clock:
        other_clock.setattr(time, "time", lambda: ahead)
        sign_in(client)

    assert client.get("/merchant", **OUTSIDE).status_code == 200


def test_attempts_are_limited_per_address_and_overall(client: FlaskClient) -> None:
    """Over the limit, even the right password is refused. Addresses in one /64 network count as
    one.
    """
    attempts = [sign_in(client, "guess", f"2001:db8:7::{host}").status_code for host in range(6)]
    assert attempts == [422] * 5 + [429]
    limited = sign_in(client, address="2001:db8:7::7")
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["Retry-After"]) <= 3600
    assert "Too many attempts." in text_of(limited.text)
    assert sign_in(client, address="192.0.2.8").status_code == 303

    stranger = client.application.test_client()
    many = [sign_in(stranger, "guess", f"198.51.100.{host}").status_code for host in range(70)]
    assert many[0] == 422
    assert many[-1] == 429


def test_strangers_cant_lock_the_merchant_out(client: FlaskClient) -> None:
    """A browser in which the merchant has signed in before has its own limits."""
    cookies = sign_in(client).headers.getlist("Set-Cookie")
    [known] = [cookie for cookie in cookies if cookie.startswith("shop_merchant_browser=")]
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/merchant/login"):
        assert part in known.split("; ")
    client.post("/merchant/logout", **OUTSIDE)
    stranger = client.application.test_client()
    stranger.set_cookie("shop_merchant_browser", "forged.aSUFJQ.x", domain="shop.example")
    for host in range(70):
        sign_in(stranger, "guess", f"198.51.100.{host}")
    assert sign_in(stranger, address="203.0.113.5").status_code == 429

    assert [sign_in(client, "typo").status_code for _ in range(3)] == [422] * 3
    assert sign_in(client).status_code == 303
    assert [sign_in(client, "typo").status_code for _ in range(2)] == [422, 429]


def test_copied_cookie_ends_with_the_session(app: Flask, client: FlaskClient) -> None:
    """Signing out ends this session on the server, but no other session."""
    sign_in(client)
    other = app.test_client()
    sign_in(other)
    copied = client.get_cookie("shop_merchant", domain="shop.example")
    assert copied is not None
    client.post("/merchant/logout", **OUTSIDE)
    client.set_cookie("shop_merchant", copied.value, domain="shop.example")

    assert client.get("/merchant", **OUTSIDE).status_code == 303
    assert other.get("/merchant", **OUTSIDE).status_code == 200


def test_session_has_an_absolute_end(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session ends even if each page has renewed the cookie."""
    sign_in(client)
    assert client.get("/merchant", **OUTSIDE).status_code == 200
    monkeypatch.setattr(access, "MAX_SESSION_AGE", timedelta(0))

    assert client.get("/merchant", **OUTSIDE).status_code == 303


def test_attempts_are_counted_without_the_shared_storage(tmp_path: Path) -> None:
    environ = {"MERCHANT_PASSWORD_HASH": HASH, "RATELIMIT_STORAGE_URI": "redis://127.0.0.1:9"}
    app = make_shop(tmp_path / "shop.db", **environ)

    statuses = {sign_in(app.test_client(), "guess", "192.0.2.99").status_code for _ in range(6)}

    assert statuses == {422, 429}
    close(app)


def test_limits_ignore_ratelimit_enabled(tmp_path: Path) -> None:
    environ = {"MERCHANT_PASSWORD_HASH": HASH, "RATELIMIT_ENABLED": "0"}
    app = make_shop(tmp_path / "shop.db", **environ)

    assert 429 in {sign_in(app.test_client(), "guess").status_code for _ in range(8)}
    close(app)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://localhost:99999"},
    ],
    ids=str,
)
def test_other_sites_can_neither_sign_in_nor_out(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    for url in (LOGIN, "/merchant/logout"):
        reply = client.post(url, data={"password": PASSWORD}, headers=headers, **OUTSIDE)
        assert reply.status_code == 403
        assert "Set-Cookie" not in reply.headers


def test_demo_requires_the_password_too(app: Flask, client: FlaskClient) -> None:
    """Without a password and outside the demo, even the sign-in page doesn't exist."""
    app.config["DEMO"] = True
    assert client.get("/merchant").status_code == 303
    app.config["MERCHANT_PASSWORD_HASH"] = ""
    assert "Sign out" not in Page(client, "/merchant").text
    app.config["DEMO"] = False
    for url in ("/merchant", "/merchant/demand", LOGIN):
        assert client.get(url).status_code == 404
    assert client.post(LOGIN, data={"password": ""}).status_code == 404
    assert client.post("/merchant/logout").status_code == 404


def test_hash_password_command(app: Flask, client: FlaskClient) -> None:
    """The command asks for the password twice, never shows it, and refuses a short password."""
    run = app.test_cli_runner().invoke
    short = run(args=["storefront", "hash-password"], input="short\nshort\n")
    assert short.exit_code == 1
    assert "at least 12 characters" in short.output

    made = run(args=["storefront", "hash-password"], input=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0
    assert PASSWORD not in made.output
    name, _, hashed = made.output.splitlines()[-1].partition("=")
    assert name == "MERCHANT_PASSWORD_HASH"
    assert hashed.startswith("'scrypt:")
    app.config[name] = hashed.strip("'")
    assert sign_in(client).status_code == 303


@pytest.mark.parametrize("wrong", [PASSWORD, "scrypt:32768:8:1", "md5$salt$0a0a"])
def test_invalid_hash_prevents_startup(tmp_path: Path, wrong: str) -> None:
    """The error doesn't repeat the invalid hash, since that may be the password."""
    with pytest.raises(SettingsError, match="flask storefront hash-password") as error:
        make_shop(tmp_path / "shop.db", MERCHANT_PASSWORD_HASH=wrong)

    assert wrong not in str(error.value)
