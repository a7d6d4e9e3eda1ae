"""Generated requests to all routes: the shop never fails, and no page contains unescaped markup.

`make test` sends a small, fixed sample; `make fuzz`, a part of `make test-slow`, sends 10,000.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from werkzeug.security import generate_password_hash
from werkzeug.wrappers import Response

from tests.notify_me.running_shop import Postgres
from tests.sites import load_catalog
from tests.storefront.conftest import close, make_shop

MARKUP = "<fuzz'\">&"
"""A page that doesn't escape it contains `<fuzz`."""
VALUES = [
    MARKUP,
    "fuzz\r\nX-Fuzz: 1",
    "//fuzz.example/",
    "/\\fuzz.example",
    "http://[",
    "//[",
    "http://localhost:99999",
    "javascript:fuzz()",
    "../../../etc/passwd",
    "%00",
    "\x00",
    "\ud800",
    "=1+1",
    "{{7*7}}",
    "' OR 1=1 --",
    "9" * 40,
    "-1",
    "1e999",
    "a" * 5000,
    "[" * 3000,
    '{"a":' * 2000,
    "$custom:::$default:::BLAT-S",
    "$custom:::$default:::",
    "HAAR-OIL-M",
    "haar-parka",
    "ada@example.org",
    "+447700900123",
    "EMAIL",
    "SMS",
    "de",
    "ar",
    "1",
    "",
]
FIELDS = [
    "address",
    "answers",
    "category",
    "channels",
    "choose",
    "days",
    "done",
    "email",
    "file",
    "in_stock",
    "lang",
    "listed",
    "leave_blank",
    "look",
    "mode",
    "name",
    "next",
    "opt_in_promotional_email",
    "page",
    "password",
    "phone_number",
    "preset",
    "product",
    "quantity",
    "q",
    "reference",
    "show",
    "sign_up",
    "sku",
    "sort",
    "unmanaged",
    "v",
    "variant",
    "variants",
]
HEADERS = [
    "Accept-Language",
    "Content-Type",
    "Cookie",
    "Host",
    "If-None-Match",
    "Origin",
    "Range",
    "Referer",
    "Sec-Fetch-Site",
    "X-Forwarded-For",
    "X-Notify-Me",
]

values = st.sampled_from(VALUES) | st.text(max_size=40)
pairs = st.dictionaries(st.sampled_from(FIELDS) | values, values, max_size=5)
# what a server passes on: Latin-1 without control characters
header_values = values.map(
    lambda text: "".join(c for c in text if c.isprintable() and ord(c) < 256)[:2000]
)
headers = st.dictionaries(st.sampled_from(HEADERS), header_values, max_size=3)


POSTGRESQL = pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.process])


@pytest.fixture(params=["demo", "production", POSTGRESQL])
def app(request: pytest.FixtureRequest, tmp_path: Path, catalog_db: Path) -> Iterator[Flask]:
    """The demo shop, or a real one on SQLite or PostgreSQL."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    password_hash = generate_password_hash("fuzz", method="pbkdf2:sha256:1")
    more = {"RATELIMIT_ENABLED": "0", "SHOP_URL": "http://localhost"}
    if request.param != "demo":
        more["MERCHANT_PASSWORD_HASH"] = password_hash
    if request.param == "postgresql":
        cluster: Postgres = request.getfixturevalue("postgres")
        more["DATABASE_URL"] = cluster.database(f"fuzz{os.urandom(4).hex()}")
    app = make_shop(tmp_path / "shop.db", **more)
    if request.param == "postgresql":
        load_catalog(app)
    app.config["DEMO"] = request.param == "demo"
    yield app
    close(app)


def check(app: Flask, examples: int) -> None:
    """Send generated requests and check the responses."""
    client = app.test_client()
    client.post("/merchant/login", data={"password": "fuzz"})
    routes = sorted(
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"OPTIONS"}
    )

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        # no shrinking: it would take minutes, and a failed request is short enough to read
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(st.sampled_from(routes), values, pairs, pairs | values, headers)
    def send(
        route: tuple[str, str],
        argument: str,
        query: dict[str, str],
        body: dict[str, str] | str,
        more: dict[str, str],
    ) -> None:
        rule, method = route
        path = "/".join(
            _quoted(argument) if part.startswith("<") else part for part in rule.split("/")
        )
        with client.open(
            path,
            method=method,
            query_string="&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in query.items()),
            data=_encoded(body),
            headers=more,
            content_type=more.get("Content-Type", "application/x-www-form-urlencoded"),
        ) as response:
            _check_response(response)

    send()


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _encoded(body: dict[str, str] | str) -> bytes:
    if isinstance(body, str):
        return body.encode(errors="surrogatepass")
    return "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in body.items()).encode()


def _check_response(response: Response) -> None:
    text = response.get_data(as_text=True) if response.mimetype != "image/png" else ""
    reply: Any = response.get_json(silent=True) if response.mimetype == "application/json" else None
    html = reply.get("html", "") if isinstance(reply, dict) else text
    assert response.status_code < 500
    assert "Traceback" not in text
    if response.mimetype in ("text/html", "application/json"):
        assert "<fuzz" not in html
    assert "X-Fuzz" not in response.headers
    location = response.headers.get("Location", "/")
    assert location.startswith(("/", "http://localhost/")), location
    assert not location.startswith(("//", "/\\")), location


def test_generated_requests(app: Flask) -> None:
    check(app, 40)


@pytest.mark.slow
def test_many_generated_requests(app: Flask) -> None:
    check(app, 3400)
