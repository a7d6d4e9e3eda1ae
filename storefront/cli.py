"""`flask storefront …`: the shop's commands."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from werkzeug.security import generate_password_hash

from notify_me import admin, current_catalog

from .base.database import db
from .catalog import departments, json_file, loader, queries, restocking
from .merchant import access

SHORTEST = 12
"""Characters of a merchant's password."""

group = AppGroup("storefront", help="The shop's catalog, and the merchant's password.")


@group.command("restock")
@click.argument("sku")
@click.argument("quantity", type=click.IntRange(0, 999_999))
def restock(sku: str, quantity: int) -> None:
    """Put QUANTITY pieces of SKU on the shelf, and tell Klaviyo."""
    variant = queries.variants([sku]).get(sku)
    if variant is None:
        near = difflib.get_close_matches(sku.upper(), queries.every_sku(), n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise click.ClickException(f"The shop has no variant {sku}.{hint}")
    # of a request, since the catalog makes addresses
    with current_app.test_request_context(base_url=restocking.root()):
        told = restocking.set_stock(variant, quantity)
    cure = f" ({told.remedy})" if told.remedy else ""
    click.echo(f"{sku}: {quantity} in stock. {restocking.WORDS[told.state]}{cure}")
    if told.state == "refused":
        raise SystemExit(1)


@group.command("push-catalog")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def push_catalog(dry_run: bool) -> None:
    """Fill Klaviyo's custom catalog with the shop's products: only what differs.

    One that was stopped goes on where it was when it is started again.
    """
    if not (ours := current_catalog()).writable:
        raise click.ClickException(
            f"this shop's catalog is {ours.integration}:::{ours.catalog_id}, which Klaviyo gets "
            "from elsewhere: only $custom:::$default is pushed from here"
        )
    try:
        # of a request, since the catalog makes addresses
        with (
            current_app.test_request_context(base_url=restocking.root()),
            click.progressbar(
                length=queries.size(),
                label="Pushing",
                file=sys.stderr,
                show_pos=True,
                hidden=not sys.stderr.isatty(),
            ) as bar,
        ):
            told = admin.push_catalog(
                queries.all_products, restocking.root(), dry_run=dry_run, progress=bar.update
            )
    except admin.PushError as error:
        raise click.ClickException(f"{error}.") from None
    except KeyboardInterrupt:
        click.echo("\nStopped. Run it again, and it goes on where it was.", err=True)
        raise SystemExit(130) from None
    click.echo(_pushed(told, dry_run))
    for failure in told.failures:
        click.echo(f"  {failure}", err=True)
    if told.failed:
        raise SystemExit(1)


def _pushed(told: admin.PushResult, dry_run: bool) -> str:
    made, mended = told.created, told.updated
    words = (
        f"{'Would create' if dry_run else 'Created'} {made['item']:,} items and "
        f"{made['variant']:,} variants, {'would update' if dry_run else 'updated'} "
        f"{mended['item']:,} and {mended['variant']:,}; {told.unchanged:,} are as they should be."
    )
    failed = f" {told.failed:,} failed:" if told.failed else ""
    return f"{words} {told.reads:,} reads, {told.writes:,} writes.{failed}"


@group.command("load")
@click.argument("file", type=click.Path(path_type=Path), default=json_file.OWN)
@click.option("--stock", is_flag=True, help="Set the stock of variants that are there, too.")
@click.option("--replace", is_flag=True, help="Take out first what import-catalog put in.")
def load(file: Path, stock: bool, replace: bool) -> None:
    """Load a catalog FILE (by default the one that comes with the shop).

    Products and variants that are there are updated, by handle and SKU, and keep their stock.
    An imported catalog stays as it is, unless it is to be replaced.
    """
    imported = departments.last_import()
    if imported and not replace:
        kept = (
            f"The shop shows the products of {imported.file}, imported on "
            f"{imported.imported_at:%Y-%m-%d}. For others: flask storefront load --replace"
        )
        if file != json_file.OWN:
            raise click.ClickException(f"nothing was loaded. {kept} {file}")
        click.echo(kept)
        return
    try:
        found = json_file.read(file)
    except json_file.CatalogError as error:
        raise click.ClickException("\n".join(["nothing was loaded.", *error.problems])) from error
    if imported:
        loader.clear(db.session)
    loaded = loader.load(db.session, found, stock=stock)
    departments.forget()
    ours = current_catalog()
    if imported and not ours.writable:
        click.echo(
            f"These products aren't {ours.integration}'s, and the shop names them as if they were: "
            'set integration = "$custom" under [catalog] in notify_me.toml, and start anew.',
            err=True,
        )
    click.echo(
        f"The shop has {loaded.products} products with {loaded.variants} variants"
        f" from {file.name}; {loaded.new} of the products are new."
    )


@group.command("hash-password")
def hash_password() -> None:
    """Ask for a password for the merchant's pages, and print its hash as a line for .env."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < SHORTEST:
        raise click.ClickException(
            f"a password for the merchant's pages has {SHORTEST} characters or more: choose a "
            "longer one, such as four words that don't belong together"
        )
    click.echo(f"{access.SETTING}='{generate_password_hash(password)}'")
