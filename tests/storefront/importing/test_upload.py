"""`/merchant/import`: upload, preview, import."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from storefront.importing import upload
from tests.storefront.conftest import close, make_shop
from tests.storefront.importing.test_import_catalog import rows, variants
from tests.storefront.importing.test_imported_files import FILES
from tests.storefront.page import Page

PATH = "/merchant/import"


@pytest.fixture
def app(app: Flask, tmp_path: Path) -> Flask:
    """A shop with an instance folder of its own."""
    app.instance_path = str(tmp_path)
    return app


def send(client: FlaskClient, *names: str, **fields: str) -> TestResponse:
    """Upload the product file `names[0]`, and an inventory export."""
    data: dict[str, Any] = dict(fields)
    for field, name in zip(("file", "stock"), names, strict=False):
        data[field] = (io.BytesIO((FILES / name).read_bytes()), name)
    return client.post(PATH, data=data)


def wait() -> None:
    """Wait until the import's thread has ended."""
    for thread in threading.enumerate():
        if thread.name == "import":
            thread.join()


def test_upload_preview_and_import(app: Flask) -> None:
    client, before = app.test_client(), rows(app)
    assert "Import products" in Page(client, "/merchant").text

    reply = send(client, "locations.csv", "inventory.csv", link_pictures="1", currency="sek")
    assert reply.status_code == 303
    wait()
    preview = Page(client, reply.location)
    assert "locations.csv (Shopify export) is valid: 3 products with 4 variants." in preview.text
    assert re.search(r"Tee\s+20.00\s+2\s+1\b", preview.text)
    assert rows(app) == before

    assert client.post(reply.location).status_code == 303
    wait()
    done = client.get(reply.location)
    assert "Imported 3 products with 4 variants from locations.csv" in done.text
    assert "http-equiv" not in done.text
    assert done.headers["Cache-Control"] == "private, no-store"
    assert variants(app)["T-S"] == ("Tee, S", "T-S", 7)
    assert "SEK" in client.get("/products/tee").text
    # a second post of the same form changes nothing
    assert client.post(reply.location).status_code == 303
    assert not list(Path(app.instance_path).glob("uploads/*/upload-*"))


def test_progress_needs_no_script(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a file is checked, the page reloads by itself."""
    client = app.test_client()
    monkeypatch.setattr(threading.Thread, "start", lambda thread: None)
    page = client.get(send(client, "plain.csv").location)
    assert '<meta http-equiv="refresh" content="1">' in page.text
    assert "<progress" in page.text


def test_problems_are_shown(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client, before = app.test_client(), rows(app)

    reply = send(client, "squarespace.csv")
    wait()
    assert "This is a Squarespace export" in Page(client, reply.location).text
    assert client.post(reply.location).status_code == 303
    wait()
    assert rows(app) == before

    wrong = send(client, currency="EURO", sell_out="many", shop_name="Loch")
    assert wrong.status_code == 422
    for text in (
        *("Choose a file with products.", "Enter an ISO 4217 code", "from 0 to 100."),
        *('value="EURO"', 'value="many"', 'value="Loch"'),
    ):
        assert text in wrong.text
    assert client.get(f"{PATH}/{'0' * 32}").status_code == 404
    assert client.get(f"{PATH}/..%2f..%2fshop").status_code == 404

    monkeypatch.setattr(upload, "MAX_UPLOAD", 100)
    too_large = send(client, "plain.csv")
    assert too_large.status_code == 413
    assert "use flask storefront import-catalog instead" in too_large.text


@pytest.fixture
def private_client(catalog_db: Path) -> Iterator[FlaskClient]:
    """A visitor of a shop that isn't a demo."""
    app = make_shop(catalog_db, DEMO="0")
    yield app.test_client()
    close(app)


def test_only_merchants_can_import(private_client: FlaskClient) -> None:
    for reply in (
        private_client.get(PATH),
        send(private_client, "plain.csv"),
        private_client.post(f"{PATH}/{'0' * 32}"),
    ):
        assert reply.status_code == 404
