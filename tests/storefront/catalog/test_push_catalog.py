"""`flask storefront push-catalog`: Klaviyo's custom catalog becomes the shop's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from notify_me import admin
from notify_me.klaviyo.client import Deadline, Klaviyo
from notify_me.klaviyo.outcomes import KlaviyoResponse
from storefront import db
from storefront.base.models import Product, ProductVariant
from storefront.catalog import queries
from tests.storefront.conftest import close, environ, make_shop
from tests.storefront.page import Stock
from tests.support import Sandbox, eventually

ROOT = Path(__file__).parents[3]
SHOP = "https://smirr.example"


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """A demo shop beside its stand-in for Klaviyo."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), SHOP_URL=SHOP)
    yield app
    close(app)


def push(app: Flask, *options: str) -> Result:
    """The command, in this process."""
    return app.test_cli_runner().invoke(args=["storefront", "push-catalog", *options])


def figures(told: Result) -> list[int]:
    """Items and variants created, items and variants updated, unchanged, reads, writes."""
    return [int(each.replace(",", "")) for each in re.findall(r"[\d,]*\d", told.stdout)]


def writes(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The calls that change Klaviyo's catalog."""
    return [each for each in sandbox.requests() if each["method"] in ("POST", "PATCH")]


def test_all_of_it_then_nothing_then_what_differs(
    app: Flask, stock: Stock, sandbox: Sandbox
) -> None:
    """15 items and 60 variants in two jobs; a second run writes nothing; a third only the change,
    which is a restock.
    """
    told = push(app)
    assert told.exit_code == 0
    assert figures(told)[:5] == [15, 60, 0, 0, 0]
    assert [each["path"] for each in writes(sandbox)] == [
        "/api/catalog-item-bulk-create-jobs",
        "/api/catalog-variant-bulk-create-jobs",
    ]
    assert all(each["problems"] == [] for each in sandbox.requests())
    held = {each["variant"]: each for each in sandbox.read("catalog")}
    assert len(held) == 60
    hat = held["$custom:::$default:::BLAT-S"]
    assert hat["url"] == f"{SHOP}/products/blatter-souwester?variant=BLAT-S"
    assert hat["title"] == "Blatter Sou’wester, Small"
    assert held["$custom:::$default:::STEEK-01"]["quantity"] > 0

    assert figures(push(app)) == [0, 0, 0, 0, 75, 2, 0]
    assert len(writes(sandbox)) == 2

    stock.set("BLAT-S", 5)
    assert figures(push(app))[:5] == [0, 0, 0, 1, 74]
    last = writes(sandbox)[-1]["body"]["data"]["attributes"]["variants"]["data"]
    assert [each["attributes"] for each in last] == [{"inventory_quantity": 5}]


def test_a_dry_run_writes_nothing(app: Flask, sandbox: Sandbox) -> None:
    """It says what would be."""
    told = push(app, "--dry-run")

    assert "Would create 15 items and 60 variants, would update 0 items" in told.stdout
    assert writes(sandbox) == []


@pytest.mark.process
def test_one_that_is_killed_goes_on_where_it_was(
    app: Flask, tmp_path: Path, sandbox: Sandbox
) -> None:
    """SIGKILL once the items are there: the next run creates the variants alone."""
    sandbox.drill("slow", times=1, seconds=30, operation="bulk_create_catalog_variants")
    given = environ(tmp_path / "shop.db") | dict(sandbox.environ()) | {"SHOP_URL": SHOP}
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "storefront", "push-catalog"],
        cwd=ROOT,
        env={**os.environ, **given},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        eventually(lambda: "/api/catalog-variant-bulk-create-jobs" in str(writes(sandbox)))
        process.kill()
    sandbox.calm()

    told = push(app)
    assert figures(told)[:5] == [0, 60, 0, 0, 15]
    assert figures(push(app))[:5] == [0, 0, 0, 0, 75]


def test_passing_troubles_are_waited_out(app: Flask, sandbox: Sandbox) -> None:
    """A throttle and an error of Klaviyo's cost a moment, no more."""
    sandbox.drill("429", times=1, retry_after=1)
    sandbox.drill("503", times=1)

    assert figures(push(app))[:5] == [15, 60, 0, 0, 0]


def test_a_key_without_the_scope_is_told_with_its_cure(app: Flask, sandbox: Sandbox) -> None:
    """Nothing else is tried."""
    sandbox.drill("403", times=None)
    told = push(app)

    assert told.exit_code == 1
    assert "Klaviyo answered 403 when reading the catalog's items" in told.output
    assert "catalogs:write" in told.output


def test_what_klaviyo_wont_have_is_named(app: Flask, sandbox: Sandbox) -> None:
    """One bad title: its item and its variants are told by their IDs; the rest is there."""
    with app.app_context():
        product = db.session.scalars(sa.select(Product).where(Product.handle == "dreich-mug")).one()
        product.title = " "
        db.session.commit()
    told = push(app)

    assert told.exit_code == 1
    assert "4 failed:" in told.stderr
    assert "$custom:::$default:::dreich-mug: title must not be empty." in told.stderr
    assert len(sandbox.read("catalog")) == 57


def test_another_platforms_catalog_is_not_pushed(tmp_path: Path, sandbox: Sandbox) -> None:
    """Klaviyo gets it from there."""
    theirs = {"NOTIFY_ME_CATALOG__INTEGRATION": "$shopify"}
    told = push(make_shop(tmp_path / "none.db", **sandbox.environ(), SHOP_URL=SHOP, **theirs))

    assert told.exit_code == 1
    assert "this shop's catalog is $shopify" in told.output
    assert sandbox.requests() == []


def test_hundreds_go_in_jobs_of_a_hundred_at_most(app: Flask, sandbox: Sandbox) -> None:
    """250 more variants of one product: every job is within Klaviyo's bound."""
    with app.app_context():
        one = db.session.scalars(sa.select(ProductVariant).filter_by(sku="DREI-MIL")).one()
        db.session.add_all(
            ProductVariant(
                product_id=one.product_id,
                sku=f"MANY-{i}",
                values=["x"] * len(one.values),
                price=1,
                quantity=1,
                policy=1,
                position=10 + i,
            )
            for i in range(250)
        )
        db.session.commit()
    told = push(app)

    assert figures(told)[:2] == [15, 310]
    sizes = [
        len(each["body"]["data"]["attributes"]["variants"]["data"])
        for each in writes(sandbox)
        if "variant" in each["path"]
    ]
    assert sum(sizes) == 310
    assert max(sizes) <= 100


@pytest.mark.parametrize(
    ("job", "failed", "words"),
    [
        ({"status": "cancelled", "completed_count": 0}, 60, "60 of 60 from"),
        ({"status": "complete", "failed_count": 2, "errors": []}, 2, "2 of 60 from"),
        ({"status": "complete", "errors": [{"detail": "No.", "source": []}]}, 1, "No."),
        ({"status": "complete", "errors": [{"code": "odd", "source": None}]}, 1, "odd"),
    ],
)
def test_what_a_job_lost_is_no_success(
    app: Flask,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    job: dict[str, Any],
    failed: int,
    words: str,
) -> None:
    """Cancelled at Klaviyo, short of some, or with an error that points nowhere."""
    ask = Klaviyo.get_catalog_job

    def asked(self: Klaviyo, kind: str, job_id: str, *, deadline: Deadline) -> KlaviyoResponse:
        if kind == "catalog-variant-bulk-create-job":
            return KlaviyoResponse(200, document={"data": {"attributes": job}})
        return ask(self, kind, job_id, deadline=deadline)

    monkeypatch.setattr(Klaviyo, "get_catalog_job", asked)
    told = push(app)

    assert told.exit_code == 1
    assert f"Created 15 items and {60 - failed} variants" in told.stdout
    assert f"{failed} failed:" in told.stderr
    assert words in told.stderr


def test_no_transaction_waits_for_klaviyo(app: Flask) -> None:
    """Between two products the database is free, and what is changed meanwhile is read."""
    with app.test_request_context():
        products = queries.all_products(batch=1)
        next(products)
        assert not db.session.in_transaction()
        second = db.session.scalars(sa.select(Product).order_by(Product.id).offset(1)).first()
        assert second is not None
        second.title = "Changed meanwhile"
        db.session.commit()
        assert next(products)[0].product_title == "Changed meanwhile"


def test_the_kit_pushes_no_other_catalog(app: Flask, tmp_path: Path, sandbox: Sandbox) -> None:
    """Whoever asks."""
    theirs = {"NOTIFY_ME_CATALOG__CATALOG_ID": "other"}
    other = make_shop(tmp_path / "shop.db", **sandbox.environ(), SHOP_URL=SHOP, **theirs)
    with (
        other.test_request_context(),
        pytest.raises(admin.PushError, match="in a catalog that another system syncs"),
    ):
        admin.push_catalog(queries.all_products, SHOP)
    assert push(other).exit_code == 1
    assert writes(sandbox) == []
    close(other)
