"""`flask storefront …`: the shop's commands."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError
from werkzeug.security import generate_password_hash

from notify_me import admin, current_catalog

from .base.current_shop import last_import, refresh, shop
from .base.database import db
from .catalog import json_file, loader, queries, restocking
from .catalog.import_lock import ImportLocked, import_lock
from .merchant import access

MIN_PASSWORD_LENGTH = 12


class _Group(AppGroup):
    """Commands that report an error of the database without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (DataError, IntegrityError):
            raise  # a bug
        except DatabaseError as error:
            reason = str(error.orig).strip().partition("\n")[0]
            raise click.ClickException(
                f"The database reported an error ({reason}): check DATABASE_URL, and run flask db "
                "upgrade"
            ) from None


group = _Group("storefront", help="Manage the catalog, stock and the merchant's password.")


@group.command("restock")
@click.argument("sku")
@click.argument("quantity", type=click.IntRange(0, 999_999))
def restock(sku: str, quantity: int) -> None:
    """Set the stock of the variant SKU to QUANTITY, and update Klaviyo."""
    variant = queries.find_variant(sku)
    if variant is None:
        similar = difflib.get_close_matches(sku.upper(), queries.all_skus(), n=3)
        hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
        raise click.ClickException(f"The shop has no variant {sku}.{hint}")
    # within a request, since the catalog builds URLs
    with current_app.test_request_context(base_url=restocking.shop_url()):
        result = restocking.set_stock(variant, quantity)
    remedy = f" ({result.remedy})" if result.remedy else ""
    click.echo(f"{sku}: {quantity} in stock. {restocking.STOCK_MESSAGES[result.state]}{remedy}")
    if result.state == "refused":
        raise SystemExit(1)


@group.command("push-catalog")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
def push_catalog(dry_run: bool) -> None:
    """Copy the shop's products to Klaviyo's custom catalog; only differences are written.

    If the command is interrupted, run it again to continue.
    """
    catalog = current_catalog()
    if not catalog.writable:
        raise click.ClickException(
            f"this shop's catalog is {catalog.integration}:::{catalog.catalog_id}, which Klaviyo "
            "gets from another source; only $custom:::$default can be pushed from here"
        )
    try:
        # within a request, since the catalog builds URLs
        with (
            current_app.test_request_context(base_url=restocking.shop_url()),
            click.progressbar(
                length=queries.count_catalog(),
                label="Pushing",
                file=sys.stderr,
                show_pos=True,
                hidden=not sys.stderr.isatty(),
            ) as bar,
        ):
            result = admin.push_catalog(
                queries.all_products, restocking.shop_url(), dry_run=dry_run, progress=bar.update
            )
    except admin.PushError as error:
        raise click.ClickException(f"{error}.") from None
    except KeyboardInterrupt:
        click.echo("\nInterrupted. Run the command again to continue.", err=True)
        raise SystemExit(130) from None
    click.echo(result.summary)
    if result.failed:
        click.echo(f"{result.failed:,} failed:", err=True)
        for failure in result.failures:
            click.echo(f"  {failure}", err=True)
        raise SystemExit(1)


@group.command("load")
@click.argument("file", type=click.Path(path_type=Path), default=json_file.SHOP_CATALOG)
@click.option("--stock", is_flag=True, help="Also set the stock of existing variants.")
@click.option("--replace", is_flag=True, help="First delete the products that were imported.")
def load(file: Path, stock: bool, replace: bool) -> None:
    """Load a catalog FILE; the default is the catalog that comes with the shop.

    Existing products and variants are updated by handle and SKU, and keep their stock. An imported
    catalog is replaced only with --replace.
    """
    imported = last_import()
    if imported and not replace:
        message = (
            f"The shop's products were imported from {imported.file} on "
            f"{imported.imported_at:%Y-%m-%d}. To replace them, run flask storefront load --replace"
        )
        if file != json_file.SHOP_CATALOG:
            raise click.ClickException(f"Nothing was loaded. {message} {file}")
        click.echo(message)
        return
    try:
        catalog = json_file.read(file, shop().departments)
    except json_file.CatalogError as error:
        raise click.ClickException("\n".join(["Nothing was loaded.", *error.problems])) from error
    if imported:
        try:
            click.get_current_context().with_resource(import_lock())
        except ImportLocked as error:
            raise click.ClickException(f"Nothing was loaded. {error}") from None
        loader.clear(db.session)
    result = loader.load(db.session, catalog, stock=stock)
    refresh()
    restocking.record_restocks()
    klaviyo_catalog = current_catalog()
    if imported and not klaviyo_catalog.writable:
        click.echo(
            f"The shop still uses the variant IDs of {klaviyo_catalog.integration}, which these "
            'products don\'t have: set integration = "$custom" under [catalog] in notify_me.toml, '
            "and restart the shop.",
            err=True,
        )
    click.echo(
        f"Loaded {file.name}. Products: {result.products} ({result.new_products} new); "
        f"variants: {result.variants}."
    )


@group.command("hash-password")
def hash_password() -> None:
    """Ask for a password for the merchant's pages, and print its hash as a line for .env."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise click.ClickException(
            f"the password must have at least {MIN_PASSWORD_LENGTH} characters; four unrelated "
            "words, for example, are long enough"
        )
    click.echo(f"{access.HASH_SETTING}='{generate_password_hash(password)}'")
