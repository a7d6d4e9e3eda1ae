"""`flask storefront import-catalog`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from notify_me import current_catalog

from ..base.database import db
from ..catalog import categories
from .problems import WrongFile
from .run import run
from .summary import summary


@click.command("import-catalog")
@with_appcontext
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Look at the whole file, and change nothing.")
def import_catalog(file: Path, dry_run: bool) -> None:
    """Show the products of FILE in place of those that the shop has. Orders stay.

    FILE is a CSV or JSON of your variants; a product export of Shopify's is one. Its stock and
    prices become the shop's. Unless all of it is right, nothing is changed.
    """
    try:
        with click.progressbar(
            length=file.stat().st_size * (1 if dry_run else 2), label="Reading", file=sys.stderr
        ) as bar:
            done = run(db.session, file, current_catalog(), dry_run=dry_run, progress=bar.update)
    except WrongFile as error:
        more = error.count - len(error.told)
        told = [f"{file.name}, {each}" for each in error.told]
        raise click.ClickException(
            "\n".join(["nothing was imported.", *told, *([f"and {more:,} more."] if more else [])])
        ) from None
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(
            f"nothing was imported: the database can't be used just now ({reason}). Try again"
        ) from None
    categories.clear_cache()
    click.echo(summary(done, file.name, dry_run=dry_run))
