"""`flask notify-me`: the kit's commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click
from email_validator import EmailNotValidError, validate_email
from flask.cli import AppGroup

from .log import Held
from .phones import e164

cli = AppGroup("notify-me", help="Back-in-stock sign-ups with Klaviyo.")


@cli.command()
@click.argument("contact")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def consents(contact: str, *, as_json: bool) -> None:
    """Print what the sign-up log holds about CONTACT, an email address or a phone number.

    For requests by the person concerned: each sign-up, and each consent with the text that was
    agreed to, its version, time and language.
    """
    from .extension import current_settings, current_state  # the extension registers this module

    held = current_state().log.held(
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


def _json(held: Held) -> str:
    return json.dumps(asdict(held), default=datetime.isoformat, indent=2, ensure_ascii=False)


def _text(held: Held) -> str:
    if not held.sign_ups and not held.consents:
        return "The log holds nothing about this contact."
    lines = [f"Sign-ups: {len(held.sign_ups)}"]
    for sign_up in held.sign_ups:
        lines += ["", f"  {_when(sign_up.when)}  {', '.join(sign_up.channels)}"]
        lines.append(f"  contact    {', '.join(sign_up.contacts)} (masked; else kept as a hash)")
        lines += [f"  {state:<9}  {variant or 'consent'}" for _, variant, state in sign_up.calls]
    lines += ["", f"Consents: {len(held.consents)}"]
    for consent in held.consents:
        lines += ["", f"  {_when(consent.when)}  {consent.channel}  {consent.contact}"]
        lines.append(f"  version    {consent.version} ({consent.locale})")
        lines.append(f"  list       {consent.list_id}, source {consent.custom_source!r}")
        lines += [f"  | {line}" for line in consent.text.splitlines()]
    return "\n".join(lines)


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
