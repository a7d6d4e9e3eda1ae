"""`flask storefront import-catalog`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from notify_me import current_catalog

from ..base.current_shop import clear_cache
from ..base.database import db
from .problems import InvalidFile
from .run import Imported, run


@click.command("import-catalog")
@with_appcontext
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check the whole file without importing it.")
def import_catalog(file: Path, dry_run: bool) -> None:
    """Replace the shop's products with those of FILE. Orders are kept.

    FILE is a CSV or JSON file with one entry per variant, such as a product export from Shopify.
    If there is any error in it, nothing is imported.
    """
    try:
        with click.progressbar(
            length=file.stat().st_size * (1 if dry_run else 2), label="Reading", file=sys.stderr
        ) as bar:
            result = run(db.session, file, current_catalog(), dry_run=dry_run, progress=bar.update)
    except InvalidFile as error:
        lines = ["Nothing was imported.", *(f"{file.name}, {text}" for text in error.messages)]
        if hidden := error.count - len(error.messages):
            lines.append(f"and {hidden:,} more.")
        raise click.ClickException("\n".join(lines)) from None
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(
            f"Nothing was imported, because the database isn't available ({reason}). Try again."
        ) from None
    clear_cache()
    click.echo(_summary(result, file.name, dry_run=dry_run))


def _summary(result: Imported, file: str, *, dry_run: bool) -> str:
    counts = f"{_count(result.products, 'product')} with {_count(result.variants, 'variant')}"
    lines = [
        f"{file} is valid: {counts}. Nothing was imported."
        if dry_run
        else f"Imported {counts} from {file}."
    ]
    if result.categories:
        lines.append(f"Categories: {', '.join(result.categories)}.")
    if result.skipped:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in result.skipped.items())
        lines.append(f"Skipped products that are hidden on your platform: {kinds}.")
    if result.without_sku:
        lines.append(
            f"Variants without a usable SKU, which have their ID as SKU: {result.without_sku:,}."
        )
    return "\n".join(lines)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"
