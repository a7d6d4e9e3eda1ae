"""Stock changes reach Klaviyo's catalog, immediately or through the worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import flask_sqlalchemy
import flask_sqlalchemy_lite
import pytest
import sqlalchemy as sa
from flask import Flask, url_for
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from notify_me import CompositeID, NotifyMe, Variant, admin
from notify_me.context import delivery_context
from notify_me.delivery.deliverer import Deliverer
from notify_me.delivery.queue import stock_job
from notify_me.klaviyo.calls import Operation
from notify_me.klaviyo.outcomes import DeadLetter, KlaviyoResponse, outcome_of
from tests.notify_me.running_shop import Shop
from tests.notify_me.small_shop import DictCatalog, engine_of, small_catalog, small_shop
from tests.support import Sandbox, eventually

MUG = CompositeID("$custom", "$default", "MUG")
ROOT = "https://shop.example/"
VARIANTS = "/api/catalog-variants"


@pytest.fixture
def shop(tmp_path: Path, sandbox: Sandbox) -> Iterator[Shop]:
    """The small shop, which can start a worker."""
    shop = Shop(tmp_path, sandbox)
    yield shop
    sandbox.reset()
    shop.close()


def set_stock(
    app: Flask, quantity: int | None, composite_id: CompositeID = MUG
) -> admin.StockUpdate:
    """Set the stock of a variant in the shop, and send it to Klaviyo."""
    with app.test_request_context():
        catalog = app.extensions["notify_me"].catalog
        if composite_id in catalog.variants:
            catalog.stock(catalog.variants[composite_id], quantity)
        return admin.stock_changed(composite_id, ROOT)


def catalog_of(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the variants in Klaviyo's catalog."""
    return sandbox.read("catalog")


def test_a_variant_new_to_klaviyo_is_created_then_updated(app: Flask, sandbox: Sandbox) -> None:
    """After a 404, the item and the variant are created. The next change is one PATCH."""
    assert set_stock(app, 3).state == "updated"
    calls = [(call["method"], call["path"], call["status"]) for call in sandbox.requests()]
    assert calls == [
        ("PATCH", f"{VARIANTS}/{MUG}", 404),
        ("POST", "/api/catalog-items", 201),
        ("POST", VARIANTS, 201),
    ]
    assert all(call["problems"] == [] for call in sandbox.requests()[1:])
    [variant] = catalog_of(sandbox)
    assert (variant["variant"], variant["quantity"]) == (str(MUG), 3)
    assert variant["url"] == "https://shop.example/products/mug?variant=MUG"

    assert set_stock(app, 0).state == "updated"
    last = sandbox.requests()[-1]
    assert (last["method"], last["status"]) == ("PATCH", 200)
    assert last["body"]["data"]["attributes"] == {"inventory_quantity": 0}


@pytest.mark.parametrize(("quantity", "sent"), [(-4, 0), (None, 1_000_000)])
def test_oversold_and_untracked_stock(
    app: Flask, sandbox: Sandbox, quantity: int | None, sent: int
) -> None:
    """Klaviyo gets 0 instead of a negative number, and a large number for untracked stock."""
    assert set_stock(app, quantity).state == "updated"
    assert catalog_of(sandbox)[0]["quantity"] == sent


def test_stock_that_cannot_be_sent(
    app: Flask, catalog: DictCatalog, sandbox: Sandbox, make_app: Callable[..., Flask]
) -> None:
    """Nothing is sent if the variant is deleted, if another platform syncs the catalog, or without
    a private key.
    """
    assert set_stock(app, 1, CompositeID("$custom", "$default", "GONE")).state == "updated"
    shopify = CompositeID("$shopify", "$default", "123")
    catalog.add("tee", "Tee", "123", 0, composite_id=shopify)
    assert set_stock(app, 3, shopify).state == "not_managed"
    keyless = make_app(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="")
    assert set_stock(keyless, 3).state == "no_key"

    assert sandbox.requests() == []


def test_a_change_during_the_update_is_sent_too(
    app: Flask, catalog: DictCatalog, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stock is read again after each update, so the newest quantity is sent last."""
    quantities = iter([5, 0, 0])

    def variant(composite_id: CompositeID) -> Variant:
        return replace(catalog.variants[composite_id], quantity=next(quantities))

    monkeypatch.setattr(catalog, "variant", variant)
    assert set_stock(app, 5).state == "updated"

    assert catalog_of(sandbox)[0]["quantity"] == 0


class CatalogWithUrls(DictCatalog):
    """A catalog that builds URLs, as those of most shops do."""

    def variant(self, composite_id: CompositeID) -> Variant | None:
        variant = super().variant(composite_id)
        return variant and replace(variant, url=url_for("static", filename=variant.product_id))


def test_a_shops_own_command_can_report_changed_stock(tmp_path: Path, sandbox: Sandbox) -> None:
    """Outside a request, Flask's `url_for` needs the shop's URL."""
    catalog = CatalogWithUrls()
    catalog.add("mug", "Enamel Mug", "MUG", 5)
    config: dict[str, Any] = {**sandbox.environ()}
    app = small_shop(tmp_path, catalog, **config)

    with app.app_context():
        update = admin.stock_changed(MUG, ROOT)
        engine_of(app).dispose()

    assert update.state == "updated"


@pytest.mark.process
def test_stock_changed_in_an_outage_is_sent_after_it(shop: Shop, sandbox: Sandbox) -> None:
    """The worker reads the stock when it sends the update: in the worker's own catalog, the mug is
    sold out.
    """
    sandbox.drill("503", times=3)
    assert set_stock(shop.app, 7).state == "queued"
    assert shop.status()["waiting"] == {"update_catalog_variant": 1}

    with shop.worker():
        eventually(lambda: catalog_of(sandbox))
        eventually(lambda: shop.status()["waiting"] == {})
    assert catalog_of(sandbox)[0]["quantity"] == 0


@pytest.mark.process
def test_a_missing_scope_pauses_stock_updates_until_it_is_fixed(
    shop: Shop, sandbox: Sandbox
) -> None:
    """The remedy is returned. The worker pauses only stock updates, and later resumes them
    automatically.
    """
    sandbox.drill("403", times=None)
    update = set_stock(shop.app, 7)
    assert update.state == "paused"
    assert "catalogs:write" in update.remedy

    with shop.worker() as worker:
        eventually(
            lambda: worker.has_logged("update_catalog_variant is paused until this is fixed")
        )
        [paused] = shop.status()["paused"]
        assert paused["operation"] == "update_catalog_variant"
        sandbox.end_drills()
        eventually(lambda: catalog_of(sandbox))
        eventually(lambda: shop.status()["paused"] == [])


def test_a_crash_before_klaviyo_responds_loses_nothing(
    shop: Shop, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change and its job are committed together; a later update that succeeds adds no job."""

    def die(*_: object) -> None:
        raise SystemExit

    with shop.app.test_request_context(), Session(engine_of(shop.app)) as session:
        session.execute(sa.text("CREATE TABLE shelf (quantity INTEGER)"))
        session.execute(sa.text("INSERT INTO shelf VALUES (5)"))
        with monkeypatch.context() as patched:
            patched.setattr("notify_me.admin.stock.update_stock", die)
            with pytest.raises(SystemExit):
                admin.stock_changed(MUG, ROOT, connection=session)
    assert shop.rows("SELECT quantity FROM shelf") == [(5,)]
    assert shop.status()["waiting"] == {"update_catalog_variant": 1}

    assert set_stock(shop.app, 3).state == "updated"
    assert shop.status()["waiting"] == {"update_catalog_variant": 1}


class Shelf(DeclarativeBase):
    """Base of the shop's table."""


class Stock(Shelf):
    """A row of the shop's table."""

    __tablename__ = "stock"
    sku: Mapped[str] = mapped_column(primary_key=True)


Library = tuple[Callable[[], sa.Engine], Callable[[], Any]]
"""Functions that return the shop's engine and its session, in an app context."""


def flask_sqlalchemy_3(app: Flask, url: str) -> Library:
    """Set up Flask-SQLAlchemy, whose session is a `scoped_session`."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db = flask_sqlalchemy.SQLAlchemy(app)
    return lambda: db.engine, lambda: db.session


def lite(app: Flask, url: str) -> Library:
    """Set up Flask-SQLAlchemy-Lite."""
    app.config["SQLALCHEMY_ENGINES"] = {"default": url}
    db = flask_sqlalchemy_lite.SQLAlchemy(app)
    return lambda: db.engine, lambda: db.session


def plain_session(_app: Flask, url: str) -> Library:
    """Set up SQLAlchemy without an extension."""
    engine = sa.create_engine(url)
    session = Session(engine)
    return lambda: engine, lambda: session


@pytest.mark.parametrize("set_up", [flask_sqlalchemy_3, lite, plain_session])
def test_stock_change_and_its_update_are_committed_together(
    set_up: Callable[[Flask, str], Library], tmp_path: Path, sandbox: Sandbox
) -> None:
    """If the change or the update can't be committed, neither is, and nothing is sent."""
    app = Flask("shop", instance_path=str(tmp_path))
    app.config.update(
        sandbox.environ(), SECRET_KEY="s" * 32, NOTIFY_ME_DELIVERY__IN_WEB_PROCESS="false"
    )
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine, session = set_up(app, url)

    def committed() -> list[str]:
        with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
            return [*connection.scalars(sa.text("SELECT sku FROM stock"))]

    NotifyMe(app, catalog=small_catalog().siblings, engine=engine)
    sandbox.drill("503", times=None)

    with app.test_request_context():
        admin.upgrade()
        Shelf.metadata.create_all(engine())
        session().add(Stock(sku="MUG"))
        assert admin.stock_changed(MUG, ROOT, connection=session()).state == "queued"
    assert committed() == ["MUG"]
    calls = sandbox.requests()

    with app.test_request_context():
        session().expunge_all()
        session().add(Stock(sku="MUG"))
        with pytest.raises(IntegrityError):
            admin.stock_changed(MUG, ROOT, connection=session())
        session().rollback()
        session().add(Stock(sku="CAP"))
        session().flush()
        admin.queue_stock_updates([MUG], ROOT, connection=session())
        session().rollback()
        session().close()
        assert admin.status().waiting == {"update_catalog_variant": 1}
        engine().dispose()
    assert committed() == ["MUG"]
    assert sandbox.requests() == calls


@pytest.mark.parametrize("error", [OperationalError("", None, Exception()), ValueError("ours")])
def test_a_worker_that_cannot_read_the_catalog_keeps_the_job(
    shop: Shop, sandbox: Sandbox, error: Exception, lines: list[str]
) -> None:
    """While the database is unavailable, the worker waits. After any other error, it retries the
    job later.
    """
    errors = [error]

    class NoWaiting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return False

    def load_variant(composite_id: CompositeID, base_url: str) -> Variant | None:
        if errors:
            raise errors.pop()
        return small_catalog().variant(composite_id)

    with shop.app.app_context():
        context = delivery_context()
        assert context is not None
        parts = replace(context, load_variant=load_variant)
        worker = Deliverer(parts, stopping=NoWaiting())
        worker.deliver(stock_job(MUG, ROOT))

    is_shop_error = isinstance(error, ValueError)
    assert shop.status()["waiting"] == ({"update_catalog_variant": 1} if is_shop_error else {})
    assert len(catalog_of(sandbox)) == (0 if is_shop_error else 1)
    text = "".join(lines)
    assert (
        f"the stock update for {MUG}: internal error in the worker (ValueError)" in text
    ) is is_shop_error


@pytest.mark.parametrize("external", [False, True])
def test_links_that_the_catalog_builds_begin_with_the_shops_url(
    tmp_path: Path, sandbox: Sandbox, external: bool
) -> None:
    """The shop is mounted at `/shop`, which the worker knows only from its URL."""

    class UrlCatalog(DictCatalog):
        def variant(self, composite_id: CompositeID) -> Variant | None:
            return replace(self.variants[composite_id], url=url_for("mug", _external=external))

    catalog = UrlCatalog()
    mug = catalog.add("mug", "Mug", "MUG", 5)
    config: dict[str, Any] = {**sandbox.environ()}
    app = small_shop(tmp_path, catalog, **config)
    app.add_url_rule("/mug", "mug")
    with app.app_context():
        context = delivery_context()
    assert context is not None

    job = stock_job(mug.composite_id, "https://shop.example/shop/")
    Deliverer(context, stopping=threading.Event()).deliver(job)

    assert [item["url"] for item in catalog_of(sandbox)] == ["https://shop.example/shop/mug"]
    engine_of(app).dispose()


def test_a_rejected_body_is_a_dead_letter() -> None:
    """A rejected body isn't treated like a wrong public key, which would pause the queue."""
    response = KlaviyoResponse(
        400, document={"errors": [{"code": "invalid", "source": {"pointer": "/data"}}]}
    )
    outcome = outcome_of(response, Operation.UPDATE_VARIANT)
    assert isinstance(outcome, DeadLetter)
    assert outcome.explanation == "Klaviyo rejected the request body at /data"
    scope = outcome_of(KlaviyoResponse(403), Operation.UPDATE_VARIANT)
    assert "catalogs:read and catalogs:write" in scope.explanation


def test_a_refused_update_is_not_queued(shop: Shop, sandbox: Sandbox) -> None:
    """Klaviyo would refuse the next attempt, too."""
    sandbox.drill("415")
    assert set_stock(shop.app, 7).state == "refused"
    assert shop.status()["waiting"] == {}


def test_updates_for_an_order_are_only_queued(shop: Shop, sandbox: Sandbox) -> None:
    """The shopper doesn't wait for Klaviyo."""
    with shop.app.test_request_context():
        admin.queue_stock_updates([MUG, CompositeID("$shopify", "$default", "1")], ROOT)
    assert sandbox.requests() == []
    assert shop.status()["waiting"] == {"update_catalog_variant": 1}


def test_commands_fill_and_restock_klaviyos_catalog(
    app: Flask, catalog: DictCatalog, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shop that only uses the kit doesn't need the starter shop's commands."""
    monkeypatch.setattr(catalog, "composite_ids", lambda: [*catalog.variants], raising=False)
    runner = app.test_cli_runner()
    url = ["--shop-url", ROOT]

    dry_run = runner.invoke(args=["notify-me", "push-catalog", "--dry-run", *url])
    assert dry_run.output == (
        "Would create 2 items and 4 variants, would update 0 items and 0 variants; 0 are up to "
        "date. 2 reads, 0 writes.\n"
    )
    pushed = runner.invoke(args=["notify-me", "push-catalog", *url])
    assert pushed.output.startswith("Created 2 items and 4 variants, updated 0 items")
    app.test_client().post(
        f"/notify-me/{MUG}", data={"channels": "EMAIL", "email": "ada@example.org"}
    )
    assert sandbox.waiting()

    restocked = runner.invoke(args=["notify-me", "stock", "MUG", "5", *url])
    assert restocked.output == f"{MUG}: stock in Klaviyo set to 5\n"
    assert not sandbox.waiting()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["NONE", "5", "--shop-url", ROOT], "the shop has no variant $custom:::$default:::NONE"),
        (["MUG", "5"], "pass the shop's URL with --shop-url, or set SHOP_URL"),
        (["$shopify:::$default:::1", "5", "--shop-url", ROOT], "the shop has no variant"),
        *(
            (["MUG", "5", "--shop-url", url], f"{url!r} is not a shop's URL")
            for url in ("shop.example", "http://[::1", "https://shop.example/?tracking=1")
        ),
    ],
)
def test_stock_command_refuses_wrong_arguments(
    app: Flask, arguments: list[str], message: str
) -> None:
    result = app.test_cli_runner().invoke(args=["notify-me", "stock", *arguments])
    assert result.exit_code != 0
    assert message in result.output
