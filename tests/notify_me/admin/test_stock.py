"""A changed stock reaches Klaviyo's catalog: at once, else by the worker, and as it is then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from notify_me import CompositeID, Variant, admin
from notify_me.delivery.deliverer import Deliverer
from notify_me.delivery.queue import stock_job
from notify_me.klaviyo.calls import Operation
from notify_me.klaviyo.outcomes import DeadLetter, KlaviyoResponse, outcome_of
from tests.notify_me.running_shop import Shop
from tests.notify_me.small_shop import DictCatalog, engine_of, small_catalog
from tests.support import Sandbox, eventually

MUG = CompositeID("$custom", "$default", "MUG")
ROOT = "https://shop.example/"
VARIANTS = "/api/catalog-variants"


@pytest.fixture
def shop(tmp_path: Path, sandbox: Sandbox) -> Iterator[Shop]:
    """The small shop, whose worker is a process of its own."""
    shop = Shop(tmp_path, sandbox)
    yield shop
    sandbox.reset()
    shop.close()


def change(app: Flask, quantity: int | None, composite_id: CompositeID = MUG) -> admin.StockUpdate:
    """The shop has so many mugs, and says so."""
    with app.test_request_context():
        catalog = app.extensions["notify_me"].catalog
        if composite_id in catalog.variants:
            catalog.stock(catalog.variants[composite_id], quantity)
        return admin.send_stock_update(composite_id, ROOT)


def stocked(sandbox: Sandbox) -> list[dict[str, Any]]:
    """What Klaviyo's catalog holds."""
    return sandbox.read("catalog")


def test_a_variant_new_to_klaviyo_is_created_then_updated(app: Flask, sandbox: Sandbox) -> None:
    """404, then the item, then the variant; the next change is one PATCH of the figure alone."""
    assert change(app, 3).state == "updated"
    calls = [(each["method"], each["path"], each["status"]) for each in sandbox.requests()]
    one = f"{VARIANTS}/{MUG}"
    assert calls == [
        ("PATCH", one, 404),
        ("POST", "/api/catalog-items", 201),
        ("POST", VARIANTS, 201),
    ]
    assert all(each["problems"] == [] for each in sandbox.requests()[1:])
    [held] = stocked(sandbox)
    assert (held["variant"], held["quantity"]) == (str(MUG), 3)
    assert held["url"] == "https://shop.example/products/mug?variant=MUG"

    assert change(app, 0).state == "updated"
    last = sandbox.requests()[-1]
    assert (last["method"], last["status"]) == ("PATCH", 200)
    assert last["body"]["data"]["attributes"] == {"inventory_quantity": 0}


def test_owed_pieces_are_none_in_stock(app: Flask, sandbox: Sandbox) -> None:
    """Klaviyo is never told of fewer than none."""
    assert change(app, -4).state == "updated"
    assert stocked(sandbox)[0]["quantity"] == 0


def test_what_isnt_managed_here_is_left_alone(
    app: Flask, catalog: DictCatalog, sandbox: Sandbox, make_app: Callable[..., Flask]
) -> None:
    """A variant that is gone, another platform's catalog, and a shop without a private key."""
    assert change(app, 1, CompositeID("$custom", "$default", "GONE")).state == "updated"
    shopify = CompositeID("$shopify", "$default", "123")
    catalog.add("tee", "Tee", "123", 0, composite_id=shopify)
    assert change(app, 3, shopify).state == "not_managed"
    keyless = make_app(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="")
    assert change(keyless, 3).state == "no_key"

    assert sandbox.requests() == []


def test_a_change_meanwhile_is_told_as_well(
    app: Flask, catalog: DictCatalog, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever read an older figure looks again after telling it: the newest is the last."""
    seen = iter([5, 0, 0])

    def variant(composite_id: CompositeID) -> Variant:
        return replace(catalog.variants[composite_id], quantity=next(seen))

    monkeypatch.setattr(catalog, "variant", variant)
    assert change(app, 5).state == "updated"

    assert stocked(sandbox)[0]["quantity"] == 0


@pytest.mark.process
def test_an_outage_costs_no_change_of_stock(shop: Shop, sandbox: Sandbox) -> None:
    """Kept, and delivered as the stock is then: the worker's own shelf has none."""
    sandbox.drill("503", times=3)
    assert change(shop.app, 7).state == "queued"
    assert shop.status()["waiting"] == {"update_catalog_variant": 1}

    with shop.worker():
        eventually(lambda: stocked(sandbox))
        eventually(lambda: shop.status()["waiting"] == {})
    assert stocked(sandbox)[0]["quantity"] == 0


@pytest.mark.process
def test_a_refused_key_holds_the_stock_until_it_is_mended(shop: Shop, sandbox: Sandbox) -> None:
    """Told with its cure; the worker holds these calls alone, and goes on by itself."""
    sandbox.drill("403", times=None)
    told = change(shop.app, 7)
    assert told.state == "paused"
    assert "catalogs:write" in told.remedy

    with shop.worker() as worker:
        eventually(lambda: worker.says("update_catalog_variant is paused until this is fixed"))
        [held] = shop.status()["paused"]
        assert held["operation"] == "update_catalog_variant"
        sandbox.calm()
        eventually(lambda: stocked(sandbox))
        eventually(lambda: shop.status()["paused"] == [])


def test_stock_that_nobody_counts_is_never_sold_out(app: Flask, sandbox: Sandbox) -> None:
    """Who waits for a variant hears of it when it can be had from now on; the kit's push agrees."""
    assert change(app, 0).state == "updated"
    assert change(app, None).state == "updated"
    assert stocked(sandbox)[0]["quantity"] == 1_000_000


def test_a_death_before_klaviyo_answers_loses_nothing(
    shop: Shop, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change and its job are one commit; what Klaviyo has at once leaves none behind."""

    def die(*_: object) -> None:
        raise SystemExit

    with shop.app.test_request_context():
        session = Session(engine_of(shop.app))
        session.execute(sa.text("CREATE TABLE shelf (quantity INTEGER)"))
        session.execute(sa.text("INSERT INTO shelf VALUES (5)"))
        with monkeypatch.context() as patched:
            patched.setattr("notify_me.admin.stock.update_stock", die)
            with pytest.raises(SystemExit):
                admin.send_stock_update(MUG, ROOT, within=session)
    assert shop.rows("SELECT quantity FROM shelf") == [(5,)]
    assert shop.status()["waiting"] == {"update_catalog_variant": 1}

    assert change(shop.app, 3).state == "updated"
    assert shop.status()["waiting"] == {"update_catalog_variant": 1}


@pytest.mark.parametrize("error", [OperationalError("", None, Exception()), ValueError("ours")])
def test_a_worker_that_cant_read_the_shop_keeps_the_job(
    shop: Shop, sandbox: Sandbox, error: Exception, lines: list[str]
) -> None:
    """It waits for a database that is away; after any other error it tries again later."""
    errors = [error]

    class NoWaiting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return False

    def load_variant(composite_id: CompositeID) -> Variant | None:
        if errors:
            raise errors.pop()
        return small_catalog().variant(composite_id)

    with shop.app.app_context():
        state = shop.app.extensions["notify_me"]
        worker = Deliverer(
            state.log,
            state.queue,
            state.klaviyo.if_closed(),
            state.settings.delivery,
            load_variant,
            stopping=NoWaiting(),
        )
        worker.deliver(stock_job(MUG, ROOT))

    ours = isinstance(error, ValueError)
    assert shop.status()["waiting"] == ({"update_catalog_variant": 1} if ours else {})
    assert len(stocked(sandbox)) == (0 if ours else 1)
    text = "".join(lines)
    assert (f"the stock of {MUG}: the worker couldn't handle it (ValueError)" in text) is ours


def test_a_refused_body_is_told_as_one() -> None:
    """Not as a public key, which has no part in it, and for which the queue would be held."""
    answer = KlaviyoResponse(
        400, document={"errors": [{"code": "invalid", "source": {"pointer": "/data"}}]}
    )
    outcome = outcome_of(answer, Operation.UPDATE_VARIANT)
    assert isinstance(outcome, DeadLetter)
    assert outcome.remedy == "Klaviyo rejected the request body at /data"
    scope = outcome_of(KlaviyoResponse(403), Operation.UPDATE_VARIANT)
    assert "catalogs:read and catalogs:write" in scope.remedy


def test_what_is_refused_for_good_is_told_and_not_kept(shop: Shop, sandbox: Sandbox) -> None:
    """No later try would end otherwise."""
    sandbox.drill("415")
    assert change(shop.app, 7).state == "refused"
    assert shop.status()["waiting"] == {}


def test_the_worker_alone_tells_of_orders(shop: Shop, sandbox: Sandbox) -> None:
    """Nothing is sent in the shopper's time."""
    with shop.app.test_request_context():
        admin.queue_stock_updates([MUG, CompositeID("$shopify", "$default", "1")], ROOT)
    assert sandbox.requests() == []
    assert shop.status()["waiting"] == {"update_catalog_variant": 1}
