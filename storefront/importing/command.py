"""`flask storefront import-catalog`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
from babel.numbers import list_currencies
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from notify_me import current_catalog

from ..base.current_shop import refresh
from ..base.database import db
from ..base.settings import CURRENCY
from ..catalog import restocking
from ..catalog.import_lock import ImportLocked, import_lock
from .numbers import DecimalSeparator
from .pictures import add_pictures
from .platforms import read_columns_file
from .problems import InvalidFile, Unreadable
from .products import StockUnknown
from .run import Choices, run
from .summary import summary

INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Percentage(click.ParamType[float]):
    """A share such as `10%`."""

    name = "percentage"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the share as a number between 0 and 1."""
        match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*%?", str(value))
        if not match or not 0 < float(match[1]) <= 100:
            self.fail(f"{value!r} is not a percentage: use one such as 10%", param, ctx)
        return float(match[1]) / 100


@click.command("import-catalog")
@with_appcontext
@click.argument("file", type=INPUT_FILE)
@click.option("--dry-run", is_flag=True, help="Check the whole file without importing it.")
@click.option(
    "--ids",
    type=INPUT_FILE,
    multiple=True,
    help="The variants' IDs on the platform: a Shopify shop's public products.json (repeat the "
    "option for each of its pages), or a CSV file.",
)
@click.option("--stock", type=INPUT_FILE, help="The platform's inventory export.")
@click.option(
    "--stock-unknown",
    type=click.Choice(["in-stock", "sold-out"]),
    help="How to show variants whose stock is tracked but not in the files.",
)
@click.option(
    "--sell-out",
    type=Percentage(),
    help="Show this share of the variants as sold out, such as 10%.",
)
@click.option(
    "--columns",
    type=INPUT_FILE,
    help='A file that maps columns, with lines such as title = "Product Name".',
)
@click.option(
    "--decimal", type=click.Choice(["comma", "point"]), help="The decimal separator in prices."
)
@click.option("--currency", help="The currency of the prices, such as EUR.")
@click.option(
    "--shop-name",
    help="The shop's name; by default, the vendor of more than half of the products.",
)
@click.option(
    "--link-pictures",
    is_flag=True,
    help="Load pictures from their original servers instead of copying them.",
)
@click.option("--encoding", help="The file's encoding, such as cp1250, if it isn't detected.")
def import_catalog(
    file: Path,
    dry_run: bool,
    ids: tuple[Path, ...],
    stock: Path | None,
    stock_unknown: StockUnknown | None,
    sell_out: float | None,
    columns: Path | None,
    decimal: DecimalSeparator | None,
    currency: str | None,
    shop_name: str | None,
    link_pictures: bool,
    encoding: str | None,
) -> None:
    """Replace the shop's products with those of FILE. Orders aren't affected.

    FILE is a product export from Shopify, WooCommerce or Wix, or another CSV or JSON file with one
    entry per variant. If the file has any errors, nothing is imported.
    """
    if encoding:
        check_encoding(encoding)
    if currency and currency not in list_currencies():
        raise click.BadParameter(f"must be {CURRENCY}, not {currency!r}", param_hint="--currency")
    try:
        if not dry_run:
            # the lock is held until the command ends
            click.get_current_context().with_resource(import_lock())
        choices = Choices(
            ids=ids,
            stock=stock,
            stock_unknown=stock_unknown,
            sell_out=sell_out or 0.0,
            columns=read_columns_file(columns) if columns else None,
            decimal_separator=decimal,
            currency=currency,
            shop_name=shop_name,
            link_pictures=link_pictures,
            encoding=encoding,
        )
        with click.progressbar(
            length=file.stat().st_size * 2, label="Importing", file=sys.stderr
        ) as bar:
            result = run(
                db.session,
                file,
                current_catalog(),
                choices,
                dry_run=dry_run,
                progress=bar.update,
            )
    except InvalidFile as error:
        lines = ["Nothing was imported."]
        for text in error.messages:
            separator = ", " if text.startswith("line ") else ": "
            lines.append(f"{file.name}{separator}{text}")
        raise click.ClickException("\n".join(lines)) from None
    except (Unreadable, ImportLocked) as error:
        raise click.ClickException(f"Nothing was imported. {error}") from None
    except OperationalError as error:
        db.session.rollback()
        reason = str(error.orig).strip().partition("\n")[0]
        raise click.ClickException(
            f"Nothing was imported, because the database isn't available ({reason}). Try again."
        ) from None
    except KeyboardInterrupt:
        db.session.rollback()
        click.echo("\nInterrupted. The shop's products are unchanged.", err=True)
        raise SystemExit(130) from None
    refresh()
    if not dry_run:
        restocking.record_restocks()
    integration = current_catalog().integration
    click.echo("\n".join(summary(result, file.name, integration, dry_run=dry_run)))
    if not dry_run and result.counts.pictures:
        try:
            click.echo("\n".join(add_pictures(link=link_pictures)))
        except KeyboardInterrupt:
            db.session.rollback()
            message = "Interrupted. The products were imported; run the command again for the rest"
            click.echo(f"\n{message} of the pictures.", err=True)
            raise SystemExit(130) from None


def check_encoding(name: str) -> None:
    """Raise `click.BadParameter` unless this is the name of a text encoding."""
    try:
        "a".encode(name).decode(name)
    except (LookupError, UnicodeError):
        raise click.BadParameter(
            f"{name!r} is not the name of an encoding: use one such as cp1250 or utf-8",
            param_hint="--encoding",
        ) from None
