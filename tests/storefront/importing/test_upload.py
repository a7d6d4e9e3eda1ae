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

from storefront.catalog.import_lock import import_lock
from storefront.importing import upload, upload_jobs
from tests.storefront.conftest import close, make_shop
from tests.storefront.importing.test_import_catalog import import_file, rows, variants
from tests.storefront.importing.test_imported_files import FILES
from tests.storefront.page import Page

PATH = "/merchant/import"


@pytest.fixture
def app(app: Flask, tmp_path: Path) -> Flask:
    """A shop with its own instance folder."""
    app.instance_path = str(tmp_path)
    return app


def send(client: FlaskClient, *names: str, **fields: str) -> TestResponse:
    """Upload the product file `names[0]`, an inventory export, and a columns file."""
    data: dict[str, Any] = dict(fields)
    for field, name in zip(("file", "stock", "columns"), names, strict=False):
        if not name:
            continue
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


def test_columns_of_another_platform(app: Flask) -> None:
    client = app.test_client()
    mapped = send(client, "squarespace.csv", "", "squarespace.toml").location
    wrong = send(client, "squarespace.csv", "", "plain.csv").location
    not_stock = send(client, "locations.csv", "squarespace.toml").location
    wait()
    assert "squarespace.csv is valid: 1 product with 3 variants." in Page(client, mapped).text
    assert "plain.csv must have lines such as title =" in Page(client, wrong).text
    text = Page(client, not_stock).text
    assert "squarespace.toml: this isn’t an inventory export" in text


@pytest.mark.parametrize(
    ("name", "shown"), [("ид.csv", "stock.csv"), ("ид", "Stock"), ("levels", "Levels")]
)
def test_file_name_in_another_script(app: Flask, name: str, shown: str) -> None:
    client = app.test_client()
    files = {
        "file": (FILES / "locations.csv", "склад.csv"),
        "stock": (FILES / "feed.tsv", name),
    }
    data = {field: (io.BytesIO(path.read_bytes()), name) for field, (path, name) in files.items()}
    reply = client.post(PATH, data=data)
    wait()
    assert f" {shown}: this isn’t an inventory export" in Page(client, reply.location).text


def test_progress_needs_no_script(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a file is checked, the page reloads automatically."""
    client = app.test_client()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda thread: None)
        reply = send(client, "plain.csv")
    page = client.get(reply.location)
    assert '<meta http-equiv="refresh" content="1">' in page.text
    assert "<progress" in page.text


def test_problems_are_shown(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client, before = app.test_client(), rows(app)

    reply = send(client, "squarespace.csv")
    wait()
    text = Page(client, reply.location).text
    assert "This is a Squarespace export" in text
    assert "Names starting with -- are options of" in text
    assert client.post(reply.location).status_code == 303
    wait()
    assert rows(app) == before

    wrong = send(client, currency="EURO", sell_out="many", shop_name="Loch")
    assert wrong.status_code == 422
    for text in (
        *("Choose a product file.", "Enter a three-letter currency code", "from 0 to 100."),
        *('value="EURO"', 'value="many"', 'value="Loch"'),
    ):
        assert text in wrong.text
    assert client.get(f"{PATH}/{'0' * 32}").status_code == 404
    assert client.get(f"{PATH}/..%2f..%2fshop").status_code == 404

    monkeypatch.setattr(upload, "MAX_UPLOAD", 100)
    too_large = send(client, "plain.csv")
    assert too_large.status_code == 413
    assert "use flask storefront import-catalog instead" in too_large.text


def test_products_are_kept_if_pictures_fail(app: Flask, tmp_path: Path) -> None:
    client = app.test_client()
    (tmp_path / "pictures").write_text("not a folder")
    reply = send(client, "plain.csv")
    wait()
    client.post(reply.location)
    wait()
    text = Page(client, reply.location).text
    assert "Imported 4 products with 5 variants from plain.csv" in text
    assert (
        "The products were imported, but some pictures are missing. Import the file again" in text
    )
    assert "The import failed" not in text


def test_one_import_at_a_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client, before = app.test_client(), rows(app)
    first, second = send(client, "plain.csv"), send(client, "plain.csv")
    wait()
    with app.app_context(), import_lock():
        client.post(first.location)
        wait()
        command = import_file(app, FILES / "plain.csv")
    refusal = "Another import is running. Try again when it has finished."
    assert refusal in Page(client, first.location).text
    assert command.exit_code == 1
    assert refusal in command.output
    assert rows(app) == before

    # two requests at once, which both see that the file has been checked
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread))
    with app.app_context():
        job = upload_jobs.load(second.location.rpartition("/")[2])
        assert job
        upload_jobs.start(job, "importing")
        upload_jobs.start(job, "importing")
    assert len(started) == 1


@pytest.fixture
def private_client(catalog_db: Path) -> Iterator[FlaskClient]:
    """A visitor to a shop that isn't a demo."""
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
