"""`flask storefront push-catalog`: copy the shop's catalog to Klaviyo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from notify_me import CompositeID, Variant, admin
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
    """A demo shop with the sandbox."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), SHOP_URL=SHOP)
    yield app
    close(app)


def push(app: Flask, *options: str) -> Result:
    """Run the command."""
    return app.test_cli_runner().invoke(args=["storefront", "push-catalog", *options])


def figures(result: Result) -> list[int]:
    """Return items and variants created, items and variants updated, unchanged, reads, writes."""
    return [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", result.stdout)]


def writes(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the requests that changed Klaviyo's catalog."""
    return [request for request in sandbox.requests() if request["method"] in ("POST", "PATCH")]


def test_push_writes_only_differences(app: Flask, stock: Stock, sandbox: Sandbox) -> None:
    """The first run writes everything, the second run nothing, and the third run one changed
    quantity.
    """
    result = push(app)
    assert result.exit_code == 0
    assert figures(result)[:5] == [15, 60, 0, 0, 0]
    assert [request["path"] for request in writes(sandbox)] == [
        "/api/catalog-item-bulk-create-jobs",
        "/api/catalog-variant-bulk-create-jobs",
    ]
    assert all(request["problems"] == [] for request in sandbox.requests())
    variants = {variant["variant"]: variant for variant in sandbox.read("catalog")}
    assert len(variants) == 60
    hat = variants["$custom:::$default:::BLAT-S"]
    assert hat["url"] == f"{SHOP}/products/blatter-souwester?variant=BLAT-S"
    assert hat["title"] == "Blatter Sou’wester (Small)"
    assert variants["$custom:::$default:::STEEK-01"]["quantity"] > 0

    created = writes(sandbox)[1]["body"]["data"]["attributes"]["variants"]["data"]
    metadata = [variant["attributes"]["custom_metadata"] for variant in created]
    assert metadata == [{"currency": "GBP"}] * 60

    assert figures(push(app)) == [0, 0, 0, 0, 75, 2, 0]
    assert len(writes(sandbox)) == 2

    stock.set("BLAT-S", 5)
    assert figures(push(app))[:5] == [0, 0, 0, 1, 74]
    changes = writes(sandbox)[-1]["body"]["data"]["attributes"]["variants"]["data"]
    assert [variant["attributes"] for variant in changes] == [{"inventory_quantity": 5}]


def test_dry_run_writes_nothing(app: Flask, sandbox: Sandbox) -> None:
    result = push(app, "--dry-run")

    assert "Would create 15 items and 60 variants, would update 0 items" in result.stdout
    assert writes(sandbox) == []


@pytest.mark.process
def test_push_continues_after_it_was_killed(app: Flask, tmp_path: Path, sandbox: Sandbox) -> None:
    """If a run is killed after creating the items, the next run creates only the variants."""
    sandbox.drill("slow", times=1, seconds=30, operation="bulk_create_catalog_variants")
    variables = environ(tmp_path / "shop.db") | dict(sandbox.environ()) | {"SHOP_URL": SHOP}
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "storefront", "push-catalog"],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        eventually(lambda: "/api/catalog-variant-bulk-create-jobs" in str(writes(sandbox)))
        process.kill()
    sandbox.end_drills()

    result = push(app)
    assert figures(result)[:5] == [0, 60, 0, 0, 15]
    assert figures(push(app))[:5] == [0, 0, 0, 0, 75]


def test_temporary_errors_are_retried(
    app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notify_me.klaviyo.client.FIRST_RETRY_PAUSE", 0.01)
    sandbox.drill("429", times=1, retry_after=0)
    sandbox.drill("503", times=1)

    assert figures(push(app))[:5] == [15, 60, 0, 0, 0]


def test_missing_scope_is_reported_with_its_remedy(app: Flask, sandbox: Sandbox) -> None:
    sandbox.drill("403", times=None)
    result = push(app)

    assert result.exit_code == 1
    assert "reading the catalog's items failed (status 403): " in result.output
    assert "catalogs:write" in result.output


def test_rejected_items_are_listed(app: Flask, sandbox: Sandbox) -> None:
    """An item with an invalid title fails with its variants; the other items are created."""
    with app.app_context():
        product = db.session.scalars(sa.select(Product).where(Product.handle == "dreich-mug")).one()
        product.title = " "
        db.session.commit()
    result = push(app)

    assert result.exit_code == 1
    assert "4 failed:" in result.stderr
    assert "$custom:::$default:::dreich-mug: title must not be empty." in result.stderr
    assert len(sandbox.read("catalog")) == 57


def test_jobs_have_at_most_100_variants(app: Flask, sandbox: Sandbox) -> None:
    """Klaviyo accepts at most 100 variants per job."""
    with app.app_context():
        variant = db.session.scalars(sa.select(ProductVariant).filter_by(sku="DREI-MIL")).one()
        db.session.add_all(
            ProductVariant(
                product_id=variant.product_id,
                sku=f"MANY-{i}",
                values=["x"] * len(variant.values),
                price=1,
                quantity=1,
                policy=1,
                position=10 + i,
            )
            for i in range(250)
        )
        db.session.commit()
    result = push(app)

    assert figures(result)[:2] == [15, 310]
    sizes = [
        len(request["body"]["data"]["attributes"]["variants"]["data"])
        for request in writes(sandbox)
        if "variant" in request["path"]
    ]
    assert sum(sizes) == 310
    assert max(sizes) <= 100


@pytest.mark.parametrize(
    ("job", "failed", "message"),
    [
        ({"status": "cancelled", "completed_count": 0}, 60, "60 of 60 from"),
        ({"status": "complete", "failed_count": 2, "errors": []}, 2, "2 of 60 from"),
        ({"status": "complete", "errors": [{"detail": "No.", "source": []}]}, 1, "No."),
        ({"status": "complete", "errors": [{"code": "odd", "source": None}]}, 1, "odd"),
    ],
)
def test_incomplete_jobs_are_failures(
    app: Flask,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    job: dict[str, Any],
    failed: int,
    message: str,
) -> None:
    """A job may be cancelled, lose variants, or have an error without a source."""
    original = Klaviyo.get_catalog_job

    def get_catalog_job(
        self: Klaviyo, kind: str, job_id: str, *, deadline: Deadline
    ) -> KlaviyoResponse:
        if kind == "catalog-variant-bulk-create-job":
            return KlaviyoResponse(200, document={"data": {"attributes": job}})
        return original(self, kind, job_id, deadline=deadline)

    monkeypatch.setattr(Klaviyo, "get_catalog_job", get_catalog_job)
    result = push(app)

    assert result.exit_code == 1
    assert f"Created 15 items and {60 - failed} variants" in result.stdout
    assert f"{failed} failed:" in result.stderr
    assert message in result.stderr


def test_no_transaction_stays_open_between_products(app: Flask) -> None:
    """A change that is committed between two products is read with the second product."""
    with app.test_request_context():
        products = queries.all_products(batch=1)
        next(products)
        assert not db.session.in_transaction()
        second = db.session.scalars(sa.select(Product).order_by(Product.id).offset(1)).first()
        assert second is not None
        second.title = "Changed meanwhile"
        db.session.commit()
        assert next(products)[0].product_title == "Changed meanwhile"


@pytest.mark.parametrize("setting", [("INTEGRATION", "$shopify"), ("CATALOG_ID", "other")])
def test_catalog_that_another_system_syncs_is_not_pushed(
    tmp_path: Path, catalog_db: Path, sandbox: Sandbox, setting: tuple[str, str]
) -> None:
    """Neither `push-catalog` nor `admin.push_catalog()` writes to such a catalog, even if only some
    of a product's variants are in that catalog.
    """

    def partly() -> Iterator[list[Variant]]:
        own = CompositeID("$custom", "$default", "OWN")
        for first, *others in queries.all_products():
            yield [replace(first, composite_id=own), *others]

    shutil.copy(catalog_db, tmp_path / "shop.db")
    name, value = setting
    settings = {f"NOTIFY_ME_CATALOG__{name}": value, "SHOP_URL": SHOP}
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), **settings)

    result = push(app)

    assert result.exit_code == 1
    assert "only $custom:::$default can be pushed" in result.output
    with (
        app.test_request_context(),
        pytest.raises(admin.PushError, match="in a catalog that another system syncs"),
    ):
        admin.push_catalog(partly, SHOP)
    assert sandbox.requests() == []
    close(app)
