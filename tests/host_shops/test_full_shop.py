"""The kit in a shop with the usual extensions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import migrate, upgrade

from tests.host_shops.full_shop import full_shop
from tests.support import Sandbox

FORM = "/notify-me/$custom:::$default:::TEE-M"
SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}


def prepared(app: Flask) -> Flask:
    """Create the shop's and the kit's tables, and one sold-out product."""
    db: Any = app.extensions["sqlalchemy"]
    with app.app_context():
        db.create_all()
        db.session.add(app.extensions["products"](sku="TEE-M", quantity=0))
        db.session.commit()
    upgraded = app.test_cli_runner().invoke(args=["notify-me", "upgrade"])
    assert upgraded.exit_code == 0, upgraded.output
    return app


@pytest.mark.parametrize("order", ["kit first", "kit last"])
@pytest.mark.parametrize("mode", ["server", "client"])
def test_sign_up(tmp_path: Path, sandbox: Sandbox, order: str, mode: str) -> None:
    """Flask-WTF's token isn't required, whether Flask-WTF or the kit is set up first."""
    config = {**sandbox.environ(), "NOTIFY_ME_MODE": mode}
    shopper = prepared(full_shop(tmp_path, config, order=order)).test_client()
    page = shopper.get("/TEE-M")
    assert "<notify-me" in page.text
    assert "Add to cart" not in page.text

    reply = shopper.post(FORM, data=SIGN_UP)

    assert reply.status_code == 303
    assert sandbox.waiting()
    assert "Set-Cookie" not in reply.headers


def test_cross_site_posts_are_still_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    shopper = prepared(full_shop(tmp_path, sandbox.environ())).test_client()

    reply = shopper.post(FORM, data=SIGN_UP, headers={"Sec-Fetch-Site": "cross-site"})

    assert reply.status_code == 403
    assert not sandbox.waiting()


def test_form_is_in_the_shops_language(tmp_path: Path, sandbox: Sandbox) -> None:
    """Flask-Babel's selector chooses the form's language; a language that the kit doesn't offer is
    ignored.
    """
    config = {**sandbox.environ(), "NOTIFY_ME_LANGUAGES__OFFERED": "en,de,fr"}
    shopper = prepared(full_shop(tmp_path, config)).test_client()

    assert shopper.get(FORM).headers["Content-Language"] == "de"
    assert shopper.get(f"{FORM}?sprache=fr").headers["Content-Language"] == "fr"
    assert shopper.get(f"{FORM}?sprache=it").headers["Content-Language"] == "en"


def test_the_shops_own_rate_limits_are_unaffected(tmp_path: Path, sandbox: Sandbox) -> None:
    """The shop allows ten requests an hour, so the eleventh is refused."""
    shopper = prepared(full_shop(tmp_path, sandbox.environ())).test_client()

    statuses = [shopper.get("/TEE-M").status_code for _ in range(11)]

    assert statuses == [200] * 10 + [429]


# what Flask-Migrate writes into env.py
@pytest.mark.filterwarnings("ignore:'get_engine' is deprecated")
def test_migrations_of_the_shop_ignore_the_kits_tables(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`flask db migrate` finds nothing to do, and `flask db upgrade` keeps the kit's tables."""
    # Flask-Migrate's env.py would turn off the loggers of this process
    monkeypatch.setattr("logging.config.fileConfig", lambda _file: None)
    app = prepared(full_shop(tmp_path, sandbox.environ()))
    folder = tmp_path / "migrations"
    with app.app_context():
        run = app.test_cli_runner().invoke(args=["db", "init", "-d", str(folder)])
        assert run.exit_code == 0, run.output
        migrate(str(folder))
        assert list((folder / "versions").glob("*.py")) == []
        upgrade(str(folder))
        tables = sa.inspect(app.extensions["sqlalchemy"].engine).get_table_names()
    assert {"notify_me_version", "notify_me_sign_up", "product"} <= set(tables)


def test_host_app_is_unchanged(tmp_path: Path, sandbox: Sandbox) -> None:
    """The shop has the same hooks, error handlers, configuration and Jinja globals as without the
    kit.
    """
    config = sandbox.environ()
    before = app_state(full_shop(tmp_path, config, set_up_kit=False))
    after = app_state(full_shop(tmp_path, config))

    assert after == before


def name_of(function: Any) -> str:
    """Return the name of a function, which may be wrapped in `functools.partial`."""
    return str(getattr(function, "func", function).__qualname__)


def app_state(app: Flask) -> dict[str, Any]:
    """Return what an extension could have changed in an app."""
    return {
        "hooks": [
            [name_of(function) for function in hooks.get(None, [])]
            for hooks in (
                app.before_request_funcs,
                app.after_request_funcs,
                app.teardown_request_funcs,
                app.url_value_preprocessors,
                app.url_default_functions,
                app.template_context_processors,
            )
        ],
        "teardown": [name_of(function) for function in app.teardown_appcontext_funcs],
        "error handlers": str(app.error_handler_spec.get(None)),
        "config": {
            name: str(value)
            for name, value in app.config.items()
            if not name.startswith(("NOTIFY_ME_", "KLAVIYO_"))
        },
        "globals": {name for name in app.jinja_env.globals if not name.startswith("notify_me")},
        "filters": set(app.jinja_env.filters),
        "extensions": {name for name in app.extensions if not name.startswith("notify_me")},
    }
