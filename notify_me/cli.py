"""The commands `flask notify-me …`."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, SQLAlchemyError

from . import admin
from .admin.contacts import ContactRecords
from .admin.health import log_rows
from .brand.convert import brand_settings
from .brand.convert import report as brand_report
from .brand.reading import BrandError, read_brand
from .brand.toml_file import merged, replace_file
from .check.account import check_account
from .check.report import Progress
from .context import current_state, delivery_context, klaviyo_client
from .database import TablesOutdated
from .settings import listing, load_settings
from .snippet.convert import read_snippet
from .snippet.errors import SnippetError
from .snippet.javascript import MAX_BYTES
from .snippet.output import as_toml
from .snippet.output import report as snippet_report
from .variants import SEPARATOR, CompositeID, ListedCatalog, Variant

PROFILE_DELETION_URL = "https://developers.klaviyo.com/en/reference/request_profile_deletion"
"""The documentation of Request Profile Deletion in Klaviyo's Data Privacy API."""

commands = AppGroup("notify-me")
"""The commands below. `commands.py` adds them to the shop's `flask` command."""


@contextmanager
def _database_errors(advice: str = "that flask notify-me upgrade has been run") -> Iterator[None]:
    """Report only the class of a database error, since its text may contain personal data."""
    try:
        yield
    except TablesOutdated as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        # the driver's class is more exact, such as InsufficientPrivilege
        name = type(getattr(error, "orig", None) or error).__name__
        raise click.ClickException(
            f"The database is unavailable ({name}): check that it is running and {advice}"
        ) from None


@contextmanager
def _catalog_errors() -> Iterator[None]:
    """Report an error of the shop's own database without a traceback."""
    try:
        yield
    except (DataError, IntegrityError):
        raise  # a bug
    except DatabaseError as error:
        raise click.ClickException(
            f"The shop's database reported an error ({type(error.orig).__name__}): check that it "
            "is running and that the shop's tables are up to date"
        ) from None


@commands.command()
@_database_errors("that its user may create tables and, on PostgreSQL, a schema")
def upgrade() -> None:
    """Create the kit's tables and the queue's, or bring them up to date."""
    admin.upgrade()
    click.echo("The tables are up to date.")


@commands.command()
def deliver() -> None:
    """Run a worker that sends queued calls until it is stopped.

    Several workers can run at the same time; with PostgreSQL, also on several machines.
    """
    from .delivery.worker import run  # imports DBOS, which takes half a second

    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    run(delivery_context(), stop)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@_database_errors()
def status(*, as_json: bool) -> None:
    """Show what is queued, what failed, and what to do about it."""
    status = admin.status()
    flow = current_state().flow.row()
    if as_json:
        click.echo(_json({**asdict(status), "flow": asdict(flow)}))
        return
    for state, count in status.counts.items():
        click.echo(f"{state:13} {count}")
    deliverer = f"a {status.deliverer}" if status.deliverer else "nothing on this machine"
    click.echo(f"delivered by:  {deliverer}")
    if flow.verdict is not admin.Verdict.SKIP:
        remedy = f" -> {flow.remedy}" if flow.remedy else ""
        click.echo(f"flow:          {flow.verdict.upper()}: {flow.message}{remedy}")
    if status.oldest_queued:
        click.echo(f"oldest queued: {_when(status.oldest_queued)}")
    if status.honeypot_posts:
        posts = f"{status.honeypot_posts:,} post{'' if status.honeypot_posts == 1 else 's'}"
        click.echo(
            f"honeypot:      {posts} refused in the last {admin.HONEYPOT_DAYS} days, because a bot "
            "or an autofill tool had filled in the hidden field"
        )
    if error := status.last_error:
        variant = f" for {error.variant}" if error.variant else ""
        click.echo(
            f"last error:    {_when(error.at)}, {error.operation}{variant} ({error.contact}): "
            f"{error.problem}"
        )
    for queue in status.paused:
        click.echo(
            f"{queue.operation} paused since {_when(queue.since)}, next attempt at "
            f"{_when(queue.until)}: {queue.remedy}"
        )
    if status.paused:
        click.echo("to send the paused calls now, run: flask notify-me resume")
    for missing in status.missing_variants:
        sign_ups = _sign_ups(missing.sign_ups)
        click.echo(f"not in Klaviyo's catalog: {missing.variant} ({sign_ups}). {missing.remedy}")
    if public_key := status.public_key:
        click.echo(
            f"calls from shoppers' browsers are refused: {public_key.remedy} "
            f"({_sign_ups(public_key.sign_ups)} in the last 24 hours, most recently at "
            f"{_when(public_key.last_at)})"
        )
    if status.counts["dead_lettered"]:
        click.echo("to send the dead-lettered calls again, run: flask notify-me retry")


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@_database_errors()
def check(*, as_json: bool) -> None:
    """Check the Klaviyo account: what works, what doesn't, and how to fix it.

    This changes nothing in the account. The exit status is 1 if a check fails, otherwise 0.
    """
    state = current_state()
    progress = Progress()
    try:
        report = check_account(
            klaviyo_client(state.account, 2), state.account, state.settings, state.catalog, progress
        )
    except KeyboardInterrupt:
        progress.end()
        click.echo("Stopped.", err=True)
        raise SystemExit(130) from None
    finally:
        progress.end()
    width = shutil.get_terminal_size((100, 24)).columns
    report = report.with_rows(log_rows())
    click.echo(report.as_json() if as_json else report.as_text(width))
    if not report.ok:
        raise SystemExit(1)


@commands.command()
@_database_errors()
def retry() -> None:
    """Queue dead-lettered calls again."""
    click.echo(f"calls queued again: {admin.retry()}")


@commands.command()
@_database_errors()
def resume() -> None:
    """End pauses and delays, so that queued calls are sent now."""
    paused = admin.resume()
    click.echo(
        f"resumed: {', '.join(paused)}"
        if paused
        else "nothing was paused; delayed calls are due now"
    )


@commands.command()
@_database_errors()
def purge() -> None:
    """Delete records that are older than the settings under [retention] allow."""
    purged = admin.purge()
    click.echo(
        f"deleted sign-ups: {purged.sign_ups}, consents: {purged.consents}, "
        f"dead-lettered calls: {purged.dead_letters}"
    )


@commands.command("push-catalog")
@click.option("--shop-url", help="Shop's URL, such as https://shop.example (default: SHOP_URL).")
@click.option("--dry-run", is_flag=True, help="Only count what would be written.")
@_catalog_errors()
def push_catalog(shop_url: str | None, *, dry_run: bool) -> None:
    """Copy the shop's variants to Klaviyo's custom catalog.

    Only differences are written. The shop's catalog must be able to list its variants
    (notify_me.ListedCatalog).
    """
    catalog = current_state().catalog
    if not isinstance(catalog, ListedCatalog):
        raise click.ClickException(
            "the shop's catalog can't list its variants: add a composite_ids() method to it"
        )
    url = _shop_url(shop_url)
    try:
        with current_app.test_request_context(base_url=url):
            result = admin.push_catalog(lambda: _products(catalog), url, dry_run=dry_run)
    except admin.PushError as error:
        raise click.ClickException(f"{error}.") from None
    click.echo(result.summary)
    if result.failed:
        click.echo(f"{result.failed:,} failed:", err=True)
        for failure in result.failures:
            click.echo(f"  {failure}", err=True)
        raise SystemExit(1)


def _products(catalog: ListedCatalog) -> Iterator[Sequence[Variant]]:
    """Yield each product's variants, without repeating a product."""
    seen: set[CompositeID] = set()
    for composite_id in catalog.composite_ids():
        if composite_id not in seen:
            variants = catalog.siblings(composite_id)
            seen.update(variant.composite_id for variant in variants)
            yield variants


@commands.command()
@click.argument("variant_id", metavar="ID")
@click.argument("quantity", type=click.IntRange(min=0))
@click.option("--shop-url", help="Shop's URL, such as https://shop.example (default: SHOP_URL).")
@_catalog_errors()
def stock(variant_id: str, quantity: int, shop_url: str | None) -> None:
    """Set the stock of variant ID to QUANTITY in Klaviyo's custom catalog.

    ID is a composite ID or the last part of one. If the variant is back in stock, Klaviyo notifies
    the shoppers on its waiting list. The shop's own stock doesn't change.
    """
    state = current_state()
    try:
        composite_id = (
            CompositeID.parse(variant_id)
            if SEPARATOR in variant_id
            else state.settings.catalog.composite_id(variant_id)
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ID") from None
    url = _shop_url(shop_url)
    with current_app.test_request_context(base_url=url):
        variant = state.catalog.variant(composite_id)
        if variant is None:
            raise click.ClickException(f"the shop has no variant {composite_id}")
        result = admin.set_stock(replace(variant, quantity=quantity), url)
    if result.state != "updated":
        raise click.ClickException(f"Klaviyo wasn't updated: {result.remedy}")
    click.echo(f"{composite_id}: stock in Klaviyo set to {quantity}")


def _shop_url(option: str | None) -> str:
    url = str(option or current_app.config.get("SHOP_URL") or "")
    if not url:
        raise click.UsageError("pass the shop's URL with --shop-url, or set SHOP_URL")
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        # an invalid IPv6 address or port
        is_valid = False
    if not is_valid or url.split() != [url] or parts.query or parts.fragment:
        raise click.UsageError(f"{url!r} is not a shop's URL, such as https://shop.example")
    return f"{url.rstrip('/')}/"


@commands.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def show_settings(*, as_json: bool) -> None:
    """Print every setting in effect and where it comes from; secrets are masked."""
    rows = listing.effective_settings(current_app.config)
    click.echo(listing.as_json(rows) if as_json else listing.as_text(rows))


@commands.command("import-snippet")
@click.argument("file", type=click.File("rb"))
@click.option("--output", type=click.Path(dir_okay=False), help="Write the TOML to this file.")
@click.option("--force", is_flag=True, help="Overwrite the --output file if it exists.")
def import_snippet(file: BinaryIO, output: str | None, *, force: bool) -> None:
    """Convert a shop's call to Klaviyo's older back-in-stock script into settings.

    FILE (- for standard input) is a theme's HTML, Liquid or JavaScript that calls
    klaviyo.enable("backinstock", {…}). The TOML goes to standard output, and a report on every
    option goes to standard error.
    """
    try:
        imported = read_snippet(_read_snippet_file(file))
        document = as_toml(imported)
    except SnippetError as error:
        raise _UsageError(f"{file.name}: {error}") from None
    if output is None:
        click.echo(document, nl=False)
    else:
        try:
            with Path(output).open("w" if force else "x", encoding="utf-8") as toml_file:
                toml_file.write(document)
        except FileExistsError:
            raise _UsageError(f"{output} already exists: use --force to overwrite it") from None
        except OSError as error:
            raise _UsageError(f"{output} can't be written: {error.strerror}") from None
    click.echo(snippet_report(imported), nl=False, err=True)


@commands.command("import-brand")
@click.option("--dry-run", is_flag=True, help="Only report what would be imported.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    help="Write to this file instead of notify_me.toml.",
)
def import_brand(*, dry_run: bool, output: str | None) -> None:
    """Match the button and the form to the brand of the Klaviyo account.

    The account's primary button and email defaults become settings under [button] and [modal] of
    notify_me.toml. The file's comments and other settings are preserved. A report says what
    happened to each value. The private key needs the brands:read scope.
    """
    file = current_app.config.get("NOTIFY_ME_CONFIG")
    if not (dry_run or output or file):
        raise _UsageError("NOTIFY_ME_CONFIG isn't set: specify a file with --output")
    target = Path(output or file or "").resolve()
    if output and target.exists() and not (file and target == Path(file).resolve()):
        raise _UsageError(f"{target} exists: specify another file, or delete this one first")
    state = current_state()
    client = klaviyo_client(state.account, 2)
    try:
        imported = brand_settings(read_brand(client))
        source = Path(file).read_text(encoding="utf-8-sig") if file else ""
        document = merged(source, imported.settings)
    except (BrandError, SnippetError) as error:
        raise click.ClickException(f"{error}.") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{file} can't be read: {error}") from None
    finally:
        if client:
            client.close()
    click.echo(brand_report(imported), nl=False)
    if dry_run:
        click.echo("\nNothing was written.")
        return
    replace_file(target, document, lambda file: load_settings(file, {}))
    click.echo(f"\nWritten to {target}. Restart the shop to apply the settings.")
    if names := _overriding_variables(target, imported.settings):
        click.echo(
            f"The environment overrides some of these settings: {', '.join(names)}", err=True
        )


def _overriding_variables(target: Path, settings: Mapping[str, object]) -> list[str]:
    origins = load_settings(target, current_app.config).origins
    return [
        origin.where
        for key in settings
        if (origin := origins[tuple(key.split("."))]).kind == "environment"
    ]


class _UsageError(click.ClickException):
    """Like `click.UsageError`, but without the usage line."""

    exit_code = 2


def _read_snippet_file(file: BinaryIO) -> str:
    # one byte more than the limit, so that a file that is too large is rejected, not truncated
    content = file.read(MAX_BYTES + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


@commands.command()
@click.argument("contact")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@_database_errors()
def consents(contact: str, *, as_json: bool) -> None:
    """Print what the sign-up log holds about CONTACT, an email address or a phone number.

    Use it to answer data access requests. It prints every sign-up, and the text, version, time and
    language of every consent. Calls in the queue aren't printed, although they contain the
    contact in plain text until they are deleted. The shop's own tables aren't printed either.
    """
    with _contact_errors():
        records = admin.contact_records(contact)
    click.echo(_json(asdict(records)) if as_json else _as_text(records))


@commands.command()
@click.argument("contact")
@_database_errors()
def erase(contact: str) -> None:
    """Delete what the shop stores about CONTACT, an email address or a phone number.

    Sign-ups, and calls that are queued, dead-lettered or recently delivered, are deleted. Consents
    that Klaviyo may have accepted are kept as proof, unless erase_consents is true under
    [retention].
    """
    with _contact_errors():
        erased = admin.erase(contact)
    click.echo(
        f"deleted sign-ups: {erased.sign_ups}, consents: {erased.consents}, calls in the queue: "
        f"{erased.calls}"
    )
    if erased.kept_consents:
        click.echo(
            f"consents kept as proof: {erased.kept_consents}. To delete these as well, set "
            "erase_consents = true under [retention]"
        )
    if erased.shop:
        click.echo(erased.shop)
    click.echo(
        "Klaviyo may still store this person's profile. To request its deletion, see "
        f"{PROFILE_DELETION_URL}"
    )


@contextmanager
def _contact_errors() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="CONTACT") from None


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, default=datetime.isoformat, indent=2, ensure_ascii=False)


def _as_text(records: ContactRecords) -> str:
    if not records.sign_ups and not records.consents:
        return "The sign-up log has no record of this contact."
    lines = [f"Sign-ups: {len(records.sign_ups)}"]
    for sign_up in records.sign_ups:
        lines += ["", f"  {_when(sign_up.when)}  {', '.join(sign_up.channels)}"]
        lines.append(f"  contact    {', '.join(sign_up.contacts)} (masked and hashed in the log)")
        lines += [f"  {state:<13}  {variant or 'consent'}" for _, variant, state in sign_up.calls]
    lines += ["", f"Consents: {len(records.consents)}"]
    for consent in records.consents:
        lines += ["", f"  {_when(consent.when)}  {consent.channel}  {consent.contact}"]
        lines.append(f"  delivery   {consent.state}")
        lines.append(f"  version    {consent.version} ({consent.locale})")
        lines.append(f"  list       {consent.list_id}, source {consent.custom_source!r}")
        lines += [f"  | {line}" for line in consent.text.splitlines()]
    return "\n".join(lines)


def _sign_ups(count: int) -> str:
    return f"{count:,} sign-up{'' if count == 1 else 's'}"


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
