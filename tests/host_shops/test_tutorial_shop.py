"""The kit in a shop without SQLAlchemy, on sqlite3 as in Flask's tutorial, with a path prefix."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from flask import Flask, g, render_template_string
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client
from werkzeug.wrappers import Response

from notify_me import CompositeID, NotifyMe, Variant
from tests.notify_me.small_shop import engine_of
from tests.support import Sandbox

PAGE = "{% call notify_me(variant) %}<button>Add to cart</button>{% endcall %}"
SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}


def tutorial_shop(folder: Path, config: dict[str, str]) -> Flask:
    """Create a shop with one sold-out product in its own SQLite file."""
    app = Flask("tutorial", root_path=str(folder), instance_path=str(folder / "instance"))
    # the kit's thread would poll the database until the last test has ended
    no_thread = {"NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false"}
    app.config.from_mapping({"SECRET_KEY": "s" * 32, **no_thread, **config})

    def get_db() -> sqlite3.Connection:
        if "db" not in g:
            g.db = sqlite3.connect(folder / "shop.sqlite")
        return g.db  # type: ignore[no-any-return]

    @app.teardown_appcontext
    def close_db(_error: BaseException | None) -> None:
        if "db" in g:
            g.pop("db").close()

    def find_variants(composite_id: CompositeID) -> list[Variant]:
        rows = get_db().execute("SELECT sku, quantity FROM mugs").fetchall()
        return [
            Variant(CompositeID("$custom", "$default", sku), "mug", "Mug", f"/{sku}", quantity=left)
            for sku, left in rows
        ]

    notify_me = NotifyMe(catalog=find_variants)
    notify_me.init_app(app)

    @app.get("/<sku>")
    def mug(sku: str) -> str:
        [variant] = find_variants(CompositeID("$custom", "$default", sku))
        return render_template_string(PAGE, variant=variant)

    with sqlite3.connect(folder / "shop.sqlite") as connection:
        connection.execute("CREATE TABLE mugs (sku TEXT, quantity INTEGER)")
        connection.execute("INSERT INTO mugs VALUES ('MUG', 0)")
    connection.close()
    return app


@pytest.mark.parametrize("mode", ["server", "client"])
def test_sign_up_with_a_path_prefix(tmp_path: Path, sandbox: Sandbox, mode: str) -> None:
    """The shop is mounted at /store, so the kit's links begin with /store."""
    app = tutorial_shop(tmp_path, {**sandbox.environ(), "NOTIFY_ME_MODE": mode})
    shopper = Client(DispatcherMiddleware(app, {"/store": app}), Response)

    page = shopper.get("/store/MUG")
    assert 'href="/store/notify-me/%24custom' in page.text
    assert "Add to cart" not in page.text
    reply = shopper.post("/store/notify-me/$custom:::$default:::MUG", data=SIGN_UP)

    assert reply.status_code == 303
    assert reply.headers["Location"].startswith("/store/notify-me/")
    assert sandbox.waiting()
    assert shopper.get("/store/notify-me/$custom:::$default:::CUP").status_code == 404
    engine_of(app).dispose()
