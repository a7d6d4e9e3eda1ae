"""Fixtures for the shop's tests. The database is filled once, and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from storefront import db
from tests.notify_me.conftest import lines
from tests.storefront.page import Stock
from tests.support import SAMPLE_SHOP

__all__ = ["lines"]


def environ(database: Path) -> dict[str, str]:
    """Return the environment of a demo shop with this database file and an unreachable Klaviyo."""
    return {
        **SAMPLE_SHOP,
        "DEMO": "1",
        "DATABASE_URL": f"sqlite:///{database}",
        "NOTIFY_ME_INSTANCE_CONFIG": str(database.parent / "instance" / "notify_me.toml"),
        "SECRET_KEY": "a key for tests, long enough to be one",
        "NOTIFY_ME_LOG_KEY": "another key for tests, long enough too",
        "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
        "KLAVIYO_API_URL": "http://127.0.0.1:9",
        "KLAVIYO_PUBLIC_KEY": "Abc123",
        "KLAVIYO_PRIVATE_KEY": "pk_for_tests",
    }


def make_shop(database: Path, **more: str) -> Flask:
    """Return a demo shop with this database file, whose folder is its instance folder.

    `more` is added to its environment.
    """
    app = create_app({**environ(database), **more})
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False)
    app.instance_path = str(database.parent)
    return app


def close(app: Flask) -> None:
    """Close the app's database connections, so that SQLite writes its log into the file."""
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Flask]:
    """A shop whose database has no tables yet."""
    app = make_shop(tmp_path / "empty.db")
    yield app
    close(app)


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path) -> Iterator[Flask]:
    """A shop with its catalog, for one test."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db")
    yield app
    close(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser on this machine."""
    return app.test_client()


@pytest.fixture(scope="session")
def shared_app(catalog_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A shop with its catalog for all tests that don't write to its database."""
    database = tmp_path_factory.mktemp("shared") / "shop.db"
    shutil.copy(catalog_db, database)
    app = make_shop(database)
    yield app
    close(app)


@pytest.fixture
def reader(shared_app: Flask) -> FlaskClient:
    """A browser on this machine that must not write to the shop's database."""
    return shared_app.test_client()


@pytest.fixture
def stock(app: Flask) -> Stock:
    """Reads and sets the shop's stock."""
    return Stock(app)
