"""A shop as small as the kit allows: a catalog in a dict, and SQLite.

`python -m tests.notify_me.small_shop` serves it until it is killed, for tests that kill it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.serving import make_server

from notify_me import CompositeID, NotifyMe, Variant, admin
from notify_me.database import Database
from notify_me.settings import Settings

DATABASE = "shop.db"


class DictCatalog:
    """A catalog in memory, whose stock a test sets."""

    def __init__(self) -> None:
        self.variants: dict[CompositeID, Variant] = {}

    def add(
        self, product_id: str, title: str, sku: str, quantity: int | None, **more: Any
    ) -> Variant:
        """Add a variant to the catalog, and return it."""
        composite_id = more.pop("composite_id", None) or CompositeID("$custom", "$default", sku)
        url = more.pop("url", f"/products/{product_id}?variant={sku}")
        variant = Variant(
            composite_id=composite_id,
            product_id=product_id,
            product_title=title,
            url=url,
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
        """Return the variant with this ID, as the kit's protocol says."""
        return self.variants.get(composite_id)

    def siblings(self, composite_id: CompositeID) -> Sequence[Variant]:
        """Return the variants of the same product, as the kit's protocol says."""
        requested = self.variants.get(composite_id)
        if requested is None:
            return ()
        product_id = requested.product_id
        return [variant for variant in self.variants.values() if variant.product_id == product_id]


def small_catalog() -> DictCatalog:
    """Return a parka in three variants (M / Moss and L / Moss sold out), and a sold-out mug."""
    catalog = DictCatalog()
    for size, colour, quantity in (("M", "Moss", 0), ("L", "Moss", 0), ("M", "Rust", 3)):
        options = {"Size": size, "Colour": colour}
        sku = f"PARKA-{size}-{colour.upper()}"
        catalog.add("parka", "Harbour Parka", sku, quantity, options=options)
    catalog.add("mug", "Enamel Mug", "MUG", 0)
    return catalog


def small_shop(folder: Path, catalog: DictCatalog, *, migrate: bool = True, **config: Any) -> Flask:
    """Return the shop, with its database and templates in `folder`.

    Without a `base.html`, the kit's own layout is configured. `VISITS` in `config` is the
    `visitor_loader`.
    """
    file = folder / DATABASE
    app = Flask("small_shop", root_path=str(folder), instance_path=str(folder / "instance"))
    # as in many shops; the kit's templates mustn't use undefined variables
    app.jinja_options = {**app.jinja_options, "undefined": StrictUndefined}
    defaults: dict[str, Any] = {
        "RATELIMIT_ENABLED": False,
        "SECRET_KEY": "s" * 32,
        "NOTIFY_ME_LOG_KEY": "l" * 32,
        "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
        "NOTIFY_ME_DATABASE_URI": f"sqlite:///{file}",
    }
    if not (folder / "templates" / "base.html").exists():
        defaults["NOTIFY_ME_PAGE__TEMPLATE"] = "notify_me/base.html"
    app.config.from_mapping({**defaults, **config})
    NotifyMe(
        app,
        catalog=catalog,
        visitor_loader=config.get("VISITS"),
        shop_name=config.get("SHOP_NAME"),
    )
    engine = engine_of(app)
    if pages := app.config.get("MAX_PAGES"):
        # SQLite reports a full disk beyond this size
        sa.event.listen(
            engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages}")
        )
    if migrate:
        if engine.url.database == str(file) and not file.exists():
            file.write_bytes(_migrated())
            _copies.add(file)
        elif engine.url.database != str(file) or file not in _copies:
            with app.app_context():
                admin.upgrade()
    return app


def engine_of(app: Flask) -> sa.Engine:
    """Return the engine that the kit uses on this app."""
    database: Database = app.extensions["notify_me"].database
    return database.get_engine()


def changed(app: Flask, changes: Mapping[str, Any]) -> Settings:
    """Return the settings of a shop with changes by dotted key, such as a visitor's."""
    document = app.extensions["notify_me"].settings.model_dump()
    for key, value in changes.items():
        *tables, name = key.split(".")
        table = document
        for part in tables:
            table = table[part]
        table[name] = value
    return Settings.model_validate(document)


_copies: set[Path] = set()
"""The database files that began as a copy of `_migrated()`, so that they needn't be migrated."""


@cache
def _migrated() -> bytes:
    """Return a migrated database file. It is cached, since migrations are slow."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / DATABASE
        file.touch()  # so that the file is migrated, not copied
        keys: dict[str, Any] = {
            "KLAVIYO_PUBLIC_KEY": "Abc123",
            "KLAVIYO_PRIVATE_KEY": "pk_for_tests",
        }
        app = small_shop(Path(folder), small_catalog(), **keys)
        engine_of(app).dispose()
        assert [*Path(folder).glob(f"{DATABASE}-*")] == []  # the write-ahead log is empty
        return file.read_bytes()


def from_environ() -> Flask:
    """Return the shop that `SMALL_SHOP` (a folder and a config, as JSON) describes, for `flask
    --app`. Its database must exist.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    folder, config = json.loads(os.environ["SMALL_SHOP"])
    return small_shop(Path(folder), small_catalog(), migrate=False, **config)


def main() -> None:
    """Serve the shop of `from_environ` on a free port, and print the port on the first line."""
    server = make_server("127.0.0.1", 0, from_environ(), threaded=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
