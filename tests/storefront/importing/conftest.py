"""Shops for imports."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.storefront.conftest import close, make_shop
from tests.support import Sandbox


@pytest.fixture
def shop(tmp_path: Path, catalog_db: Path, sandbox: Sandbox) -> Iterator[Callable[[str], Flask]]:
    """Return a function that creates a demo shop, connected to the sandbox, for an integration."""
    apps: list[Flask] = []

    def make(integration: str) -> Flask:
        shutil.copy(catalog_db, tmp_path / "shop.db")
        environ = {"NOTIFY_ME_CATALOG__INTEGRATION": integration, "SANDBOX_URL": sandbox.url}
        apps.append(make_shop(tmp_path / "shop.db", **sandbox.environ(), **environ))
        return apps[-1]

    yield make
    for app in apps:
        close(app)


@pytest.fixture(scope="module")
def import_shop(catalog_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A shop whose products each test of a module replaces."""
    database = tmp_path_factory.mktemp("import") / "shop.db"
    shutil.copy(catalog_db, database)
    app = make_shop(database)
    yield app
    close(app)
