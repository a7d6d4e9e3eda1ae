"""The public count of sign-ups: one query on a product page, and pages stay cacheable."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from storefront import db
from tests.demand import insert_sign_ups
from tests.storefront.conftest import close, make_shop

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path) -> Iterator[Flask]:
    """A shop that counts, and that fourteen people asked for a parka."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", NOTIFY_ME_DEMAND__PUBLIC_COUNT="true")
    with app.app_context():
        insert_sign_ups(db.engine, ["HAAR-OIL-M", "BLAT-S", "BLAT-L"], 42, timedelta(days=1))
    yield app
    close(app)


def test_pages_stay_fast_and_cacheable(app: Flask) -> None:
    """One query, which an index answers, for the product whose page it is, and none for cards; the
    page has no cookie and the same tag until the number changes.
    """
    statements: list[str] = []
    with app.app_context():
        sa.event.listen(
            db.engine, "before_cursor_execute", lambda *sent: statements.append(str(sent[2]))
        )
    client = app.test_client()
    page = client.get(PARKA)
    assert "10+ people asked for this" in page.text
    [counting] = [each for each in statements if "FROM notify_me_call" in each]
    with app.app_context(), db.engine.connect() as connection:
        unknown = ("",) * counting.count("?")
        explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {counting}", unknown)
        plan = [str(row) for row in explained]
    assert any("ix_notify_me_call_variant_state" in each for each in plan)
    assert not any("SCAN" in each for each in plan)

    statements.clear()
    listing = client.get("/")
    assert "notify-me__button" in listing.text
    assert "people asked" not in listing.text
    assert not any("notify_me" in each for each in statements)
    assert "Set-Cookie" not in page.headers
    again = client.get(PARKA, headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    with app.app_context():
        # five of these fifteen had asked before
        insert_sign_ups(db.engine, ["HAAR-OIL-M"], 15, timedelta(days=2))
    changed = client.get(PARKA, headers={"If-None-Match": page.headers["ETag"]})
    assert "20+ people asked for this" in changed.text
