"""A shop as small as the kit allows: a catalog in a dict, and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_alembic import Alembic
from flask_sqlalchemy_lite import SQLAlchemy

from notify_me import MIGRATIONS, CompositeID, NotifyMe, Variant, metadata
from tests.support import Sandbox


class DictCatalog:
    """A catalog in memory, whose stock a test sets."""

    def __init__(self) -> None:
        self.variants: dict[CompositeID, Variant] = {}

    def add(
        self, product_id: str, title: str, sku: str, quantity: int | None, **more: Any
    ) -> Variant:
        """Put a variant into the catalog."""
        composite_id = more.pop("composite_id", CompositeID("$custom", "$default", sku))
        variant = Variant(
            composite_id=composite_id,
            product_id=product_id,
            product_title=title,
            url=f"/products/{product_id}?variant={sku}",
            quantity=quantity,
            price=Decimal("49.00"),
            **more,
        )
        self.variants[composite_id] = variant
        return variant

    def stock(self, variant: Variant, quantity: int | None) -> None:
        """Set a variant's stock."""
        self.variants[variant.composite_id] = replace(variant, quantity=quantity)

    def variant(self, composite_id: CompositeID) -> Variant | None:
        """The kit's protocol."""
        return self.variants.get(composite_id)

    def siblings(self, composite_id: CompositeID) -> Sequence[Variant]:
        """The kit's protocol."""
        found = self.variants.get(composite_id)
        if found is None:
            return ()
        return [each for each in self.variants.values() if each.product_id == found.product_id]


@pytest.fixture
def catalog() -> DictCatalog:
    """A parka in four variants (M / Moss and L / Moss sold out), and a mug without options."""
    catalog = DictCatalog()
    for size, colour, quantity in (("M", "Moss", 0), ("L", "Moss", 0), ("M", "Rust", 3)):
        options = {"Size": size, "Colour": colour}
        sku = f"PARKA-{size}-{colour.upper()}"
        catalog.add("parka", "Harbour Parka", sku, quantity, options=options)
    catalog.add("mug", "Enamel Mug", "MUG", 0)
    return catalog


@pytest.fixture
def make_app(tmp_path: Path, sandbox: Sandbox, catalog: DictCatalog) -> Callable[..., Flask]:
    """Makes the small shop; keyword arguments are Flask config that overrides the defaults."""

    def make(**config: Any) -> Flask:
        app = Flask("small_shop", root_path=str(tmp_path))
        app.config.from_mapping(
            SECRET_KEY="s" * 32,
            NOTIFY_ME_LOG_KEY="l" * 32,
            SQLALCHEMY_ENGINES={
                "default": {"url": f"sqlite:///{tmp_path}/shop.db", "connect_args": {"timeout": 2}}
            },
            ALEMBIC={"script_location": MIGRATIONS},
            **{**sandbox.environ(), **config},
        )
        db = SQLAlchemy(app, engine_options={"hide_parameters": True})
        alembic = Alembic(app, metadatas=[metadata])
        NotifyMe(app, catalog=catalog, db=db)
        with app.app_context():
            alembic.upgrade()
        return app

    return make


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The small shop, in server mode."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without scripts, in front of the small shop."""
    return app.test_client()
