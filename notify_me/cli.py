"""`flask notify-me …`: the worker, and what a merchant asks of the log."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from . import admin
from .check import Progress, check_account
from .context import current_settings, current_state, klaviyo_of
from .delivery import Queue
from .form.phone import e164
from .klaviyo.calls import Operation
from .klaviyo.stock import LoadVariant
from .settings import listing
from .snippet import SnippetError, as_toml, read_snippet, report
from .snippet.source import LIMIT
from .store.contact_records import ContactRecords
from .store.sign_up_log import SignUpLog
from .variants import CompositeID, Variant

commands = AppGroup("notify-me", help="Back-in-stock sign-ups and their delivery to Klaviyo.")


class _NoDatabase(click.ClickException):
    """The database can't be used: only the class is told, never the statement."""

    def __init__(self, error: SQLAlchemyError) -> None:
        super().__init__(
            f"The database is unavailable ({type(error).__name__}): is it running, and was "
            "flask db upgrade run?"
        )


@commands.command()
def deliver() -> None:
    """Run a worker that sends queued calls until stopped. Any number can run, on any machine."""
    from .delivery.worker import Parts, run  # starts what only a worker needs

    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    state = current_state()
    places = state.settings.delivery.worker_in_flight * len(Operation)
    engine = state.db.engine
    folder = os.environ.get("NOTIFY_ME_WORKER_FOLDER") or current_app.instance_path
    run(
        Parts(
            engine=engine,
            # those of the state find their engine by the app context, which threads don't have
            log=SignUpLog(lambda: engine, state.account.log_key.get_secret_value()),
            queue=Queue(lambda: engine),
            klaviyo=klaviyo_of(state.account, places),
            settings=state.settings.delivery,
            find=_find(current_app._get_current_object()),  # type: ignore[attr-defined]
            folder=Path(folder),
        ),
        stop,
    )


def _find(app: Flask) -> LoadVariant:
    """Reads a variant of the shop's, with a context of its own: the worker's threads have none."""

    def find(composite_id: CompositeID) -> Variant | None:
        # of a request, since a catalog may make addresses
        with app.test_request_context():
            return current_state().catalog.variant(composite_id)

    return find


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for a script.")
def status(as_json: bool) -> None:
    """Tell what waits, what failed, and what to do about it."""
    try:
        found = admin.status()
    except SQLAlchemyError as error:
        raise _NoDatabase(error) from None
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
        return
    for state, count in found.counts.items():
        click.echo(f"{state:13} {count}")
    if found.oldest_queued:
        click.echo(f"oldest queued: {found.oldest_queued:%Y-%m-%d %H:%M:%S} UTC")
    if found.last_error:
        last = found.last_error
        click.echo(
            f"last error: {last.at:%Y-%m-%d %H:%M:%S} UTC, {last.operation} for "
            f"{last.variant or 'no variant'} ({last.contact}): {last.problem}"
        )
    for held in found.paused:
        end = f"until {held.until:%H:%M:%S} UTC" if held.kind == "throttled" else "until fixed"
        click.echo(f"paused {end}: {held.operation}: {held.remedy}")
    if found.counts["dead_lettered"]:
        click.echo("to send the dead-lettered calls again, run: flask notify-me retry")


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for a script.")
def check(as_json: bool) -> None:
    """Check the account that the keys name: what works, what doesn't, and the cure.

    Nothing is written or sent. The exit status is 1 when a check fails, else 0.
    """
    state = current_state()
    progress = Progress()
    try:
        report = check_account(
            klaviyo_of(state.account, 2), state.account, state.settings, state.catalog, progress
        )
    except SQLAlchemyError as error:
        raise _NoDatabase(error) from None
    except KeyboardInterrupt:
        progress.end()
        click.echo("Stopped.", err=True)
        sys.stderr.flush()
        # not sys.exit: that would wait for the answer to the call under way
        os._exit(130)
    finally:
        progress.end()
    width = shutil.get_terminal_size((100, 24)).columns
    click.echo(report.as_json() if as_json else report.as_text(width))
    if not report.ok:
        raise SystemExit(1)


@commands.command()
def retry() -> None:
    """Queue dead-lettered calls again."""
    try:
        click.echo(f"{admin.retry()} calls queued again")
    except SQLAlchemyError as error:
        raise _NoDatabase(error) from None


@commands.command()
def purge() -> None:
    """Delete what is older than the settings under [retention] allow."""
    try:
        purged = admin.purge()
    except SQLAlchemyError as error:
        raise _NoDatabase(error) from None
    click.echo(f"deleted {purged.sign_ups} sign-ups and {purged.consents} consents")


@commands.command("settings")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for a script.")
def show_settings(*, as_json: bool) -> None:
    """Print every setting that holds, and where it came from; secrets are masked."""
    rows = listing.effective_settings(current_app.config)
    click.echo(listing.as_json(rows) if as_json else listing.as_text(rows))


@commands.command("import-snippet")
@click.argument("file", type=click.File("rb"))
@click.option("--output", type=click.Path(dir_okay=False), help="Write the TOML there.")
@click.option("--force", is_flag=True, help="Write over an --output that is there already.")
def import_snippet(file: BinaryIO, output: str | None, *, force: bool) -> None:
    """Turn Klaviyo's old back-in-stock snippet in FILE (- for standard input) into settings.

    FILE is a theme's HTML, Liquid or script that calls klaviyo.enable("backinstock", {…}). The
    TOML goes to standard output, a report on every option to standard error.
    """
    try:
        imported = read_snippet(_snippet(file))
        document = as_toml(imported)
    except SnippetError as error:
        raise _Refused(f"{file.name}: {error}") from None
    if output is None:
        click.echo(document, nl=False)
    else:
        try:
            with Path(output).open("w" if force else "x", encoding="utf-8") as written:
                written.write(document)
        except FileExistsError:
            raise _Refused(f"{output} is there already: --force writes over it") from None
        except OSError as error:
            raise _Refused(f"{output} can't be written: {error.strerror}") from None
    click.echo(report(imported), nl=False, err=True)


class _Refused(click.ClickException):
    """What can't be done with what was given."""

    exit_code = 2


def _snippet(file: BinaryIO) -> str:
    # one byte more than is taken, so that what is too long is refused and not cut
    given = file.read(LIMIT + 1)
    try:
        return given.decode("utf-8-sig")
    except UnicodeDecodeError:
        return given.decode("cp1252", errors="replace")


@commands.command()
@click.argument("contact")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def consents(contact: str, *, as_json: bool) -> None:
    """Print what the sign-up log holds about CONTACT, an email address or a phone number.

    For requests by the person concerned: each sign-up, and each consent with the text that was
    agreed to, its version, time and language.
    """
    held = current_state().log.contact_records(
        _normalized(contact, current_settings().channels.default_region)
    )
    click.echo(_json(held) if as_json else _text(held))


def _normalized(contact: str, region: str) -> str:
    try:
        if "@" in contact:
            return validate_email(contact.strip(), check_deliverability=False).normalized
        return e164(contact, region, texts=False)
    except (EmailNotValidError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="CONTACT") from None


def _json(held: ContactRecords) -> str:
    return json.dumps(asdict(held), default=datetime.isoformat, indent=2, ensure_ascii=False)


def _text(held: ContactRecords) -> str:
    if not held.sign_ups and not held.consents:
        return "The log holds nothing about this contact."
    lines = [f"Sign-ups: {len(held.sign_ups)}"]
    for sign_up in held.sign_ups:
        lines += ["", f"  {_when(sign_up.when)}  {', '.join(sign_up.channels)}"]
        lines.append(f"  contact    {', '.join(sign_up.contacts)} (masked; else kept as a hash)")
        lines += [f"  {state:<13}  {variant or 'consent'}" for _, variant, state in sign_up.calls]
    lines += ["", f"Consents: {len(held.consents)}"]
    for consent in held.consents:
        lines += ["", f"  {_when(consent.when)}  {consent.channel}  {consent.contact}"]
        lines.append(f"  at Klaviyo {consent.state}")
        lines.append(f"  version    {consent.version} ({consent.locale})")
        lines.append(f"  list       {consent.list_id}, source {consent.custom_source!r}")
        lines += [f"  | {line}" for line in consent.text.splitlines()]
    return "\n".join(lines)


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
