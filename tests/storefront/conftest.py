"""The shop as app.py wires it, on a database that is migrated and filled once for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from storefront import db
from storefront.catalog.categories import categories
from tests.storefront.page import Stock


def environ(database: Path) -> dict[str, str]:
    """The environment of a shop whose database is this file, and which reaches no Klaviyo."""
    return {
        "DEMO": "1",
        "DATABASE_URL": f"sqlite:///{database}",
        "SECRET_KEY": "a key for tests, long enough to be one",
        "NOTIFY_ME_LOG_KEY": "another key for tests, long enough too",
        "KLAVIYO_API_URL": "http://127.0.0.1:9",
        "KLAVIYO_PUBLIC_KEY": "Abc123",
        "KLAVIYO_PRIVATE_KEY": "pk_for_tests",
    }


def make_shop(database: Path, **more: str) -> Flask:
    """A demo shop whose database is this file; `more` goes into its environment."""
    app = create_app({**environ(database), **more})
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False)
    return app


def close(app: Flask) -> None:
    """Close the app's connections: SQLite then folds its log into the file."""
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the shop's own catalog."""
    database = tmp_path_factory.mktemp("shop") / "filled.db"
    app = make_shop(database)
    with app.app_context():
        for command in (["db", "upgrade"], ["storefront", "load"]):
            result = app.test_cli_runner().invoke(args=command)
            assert result.exit_code == 0, result.output
    close(app)
    return database


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Flask]:
    """A shop whose database has no tables yet."""
    app = make_shop(tmp_path / "empty.db")
    yield app
    close(app)


@pytest.fixture
def app(tmp_path: Path, filled: Path) -> Iterator[Flask]:
    """A shop with its catalog."""
    shutil.copy(filled, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db")
    yield app
    close(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A shopper on this machine."""
    return app.test_client()


@pytest.fixture
def stock(app: Flask) -> Stock:
    """The shelf."""
    return Stock(app)


@pytest.fixture
def queries(app: Flask) -> Iterator[Callable[[], int]]:
    """Tells how many SQL statements ran since it was asked last."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    with app.app_context():
        engine = db.engine
        # the menu is remembered for a minute, and no page's own
        categories()
    sa.event.listen(engine, "before_cursor_execute", note)

    def count() -> int:
        number = len(statements)
        statements.clear()
        return number

    yield count
    sa.event.remove(engine, "before_cursor_execute", note)
