"""The `Host` header: an invalid header is refused, and with `SHOP_URL`, it isn't used for links."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from notify_me import SettingsError
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import text_of


@pytest.mark.parametrize(
    "host", ["a" * 64, "a..b", "x.%2e", "a b", "<i id=x>", "shop.example:port"]
)
@pytest.mark.parametrize("path", ["/", "/products/haar-parka", "/static//shop.css", "/nowhere"])
def test_invalid_host_is_400_with_one_log_line(reader: FlaskClient, host: str, path: str) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign,assignment]
    logging.getLogger().addHandler(handler)
    response = reader.get(path, headers={"Host": host})
    logging.getLogger().removeHandler(handler)

    assert response.status_code == 400
    assert "We couldn’t process your request." in text_of(response.text)
    assert host not in response.text
    assert [(record.levelname, record.exc_info) for record in records] == [("WARNING", None)]


@pytest.fixture
def public_shop(tmp_path: Path, catalog_db: Path) -> Iterator[Flask]:
    """A shop with `SHOP_URL`."""
    app = make_shop(catalog_db, SHOP_URL="https://shop.example/")
    yield app
    close(app)


@pytest.mark.parametrize(
    "path",
    [
        "/?category=wear",
        "/products/haar-parka",
        "/robots.txt",
        "/sitemap.xml",
        "/feeds/catalog.json",
        "/static//x",
        "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3ABLAT-S",
        "/nowhere",
    ],
)
def test_links_begin_with_shop_url(public_shop: Flask, path: str) -> None:
    """Links in JSON-LD, robots.txt, the sitemap, the feed and redirects are built from `SHOP_URL`
    too.
    """
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}

    response = public_shop.test_client().get(path, headers=headers)

    assert "evil.example" not in response.text
    assert "evil.example" not in str(response.headers)
    if path not in ("/nowhere", "/static//x") and "notify-me" not in path:
        assert "https://shop.example/" in response.text
    elif path == "/static//x":
        assert response.location == "https://shop.example/static/x"


@pytest.mark.parametrize(
    "url",
    ["shop.example", "ftp://shop.example", "https://", "javascript:x", "http://[", "http://a:x"],
)
def test_invalid_shop_url_prevents_startup(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match=r"SHOP_URL is .*: set it to the shop's URL"):
        make_shop(tmp_path / "shop.db", SHOP_URL=url)
