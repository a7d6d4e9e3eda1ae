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
    """A shop with the public count, and fourteen sign-ups for the parka."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", NOTIFY_ME_DEMAND__PUBLIC_COUNT="true")
    with app.app_context():
        insert_sign_ups(db.engine, ["HAAR-OIL-M", "BLAT-S", "BLAT-L"], 42, timedelta(days=1))
    yield app
    close(app)


def test_pages_stay_fast_and_cacheable(app: Flask) -> None:
    """A product page needs one indexed query, and a card none. The ETag changes with the count."""
    statements: list[str] = []
    with app.app_context():
        sa.event.listen(
            db.engine, "before_cursor_execute", lambda *sent: statements.append(str(sent[2]))
        )
    client = app.test_client()
    page = client.get(PARKA)
    assert "10+ people have asked for an alert" in page.text
    [query] = [statement for statement in statements if "FROM notify_me_call" in statement]
    with app.app_context(), db.engine.connect() as connection:
        values = ("",) * query.count("?")
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
        plan = [str(row) for row in rows]
    assert any("ix_notify_me_call_variant_state" in step for step in plan)
    assert not any("SCAN" in step for step in plan)

    statements.clear()
    listing = client.get("/")
    assert "notify-me__button" in listing.text
    assert "people have asked" not in listing.text
    assert not any("notify_me" in statement for statement in statements)
    assert "Set-Cookie" not in page.headers
    again = client.get(PARKA, headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    with app.app_context():
        # five of these fifteen had signed up before
        insert_sign_ups(db.engine, ["HAAR-OIL-M"], 15, timedelta(days=2))
    changed = client.get(PARKA, headers={"If-None-Match": page.headers["ETag"]})
    assert "20+ people have asked for an alert" in changed.text
