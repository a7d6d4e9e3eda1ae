"""Checks the account that the keys belong to: the keys, their scopes, the list and the flow."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from werkzeug.http import parse_date

from ..form.consent import form_options
from ..klaviyo.calls import Call, Operation
from ..klaviyo.client import REVISION, Deadline, Klaviyo
from ..klaviyo.outcomes import KlaviyoResponse, attribute
from ..settings import Account, Settings
from ..settings.listing import terminal_json
from ..variants import Catalog
from .advice import row
from .flow import flow_row
from .reader import Reader, failure, is_denied, unreadable
from .report import Report, Row
from .variants import variants_row

SKEW_WARN, SKEW_FAIL = 60, 300
"""Seconds by which this machine's clock may differ from Klaviyo's before the check warns or fails.
"""
READ_SCOPES = frozenset(
    {"accounts:read", "catalogs:read", "flows:read", "lists:read", "metrics:read"}
)
"""The scopes that this check needs. The form also needs one of them, `lists:read`."""
SIGN_UP_SCOPES = "catalogs:write profiles:write"
CONSENT_SCOPES = "lists:write profiles:write subscriptions:write"
_REVISION_REJECTED = (400, 404, 410)
"""The statuses that Get Accounts returns only if it doesn't accept the revision."""


def check_account(
    klaviyo: Klaviyo | None,
    account: Account,
    settings: Settings,
    catalog: Catalog,
    progress: Callable[[str], None],
) -> Report:
    """Check the account without changing it: read from it, and send one or two calls with an empty
    body, which Klaviyo can only refuse.

    `klaviyo` is None without a private key; `progress` is called with a topic before each call.
    The report contains network errors and error responses; they aren't raised.
    """
    if klaviyo is None:
        return Report.of([row("private_key/not set")], "not tested without a private key")
    reader = Reader(klaviyo, progress)
    response = reader.read("account", "accounts:read", klaviyo.get_accounts)
    if failed := failure(response):
        problem, remedy = failed
        rows = [row("klaviyo/failed", url=account.api_url, problem=problem, remedy=remedy)]
        return Report.of(rows, "not tested: the account couldn't be read")
    rows = [
        row("klaviyo", url=account.api_url),
        _clock(response),
        _private_key(response),
        _revision(response, account.revision),
    ]
    if response.status != 200 and not is_denied(response):
        return Report.of(rows, "not tested: Klaviyo rejects every call")
    languages = settings.languages.offered
    asks_for_consent = any(form_options(settings, account, locale).prompts for locale in languages)
    rows += [
        _public_key(response, account.public_key),
        _list(reader, account.list_id),
        flow_row(reader),
        variants_row(reader, catalog),
        _scopes(reader, asks_for_consent=asks_for_consent),
        _brand(reader),
    ]
    return Report.of(rows, "")


def _clock(response: KlaviyoResponse) -> Row:
    klaviyo_time = _date_of(response)
    if klaviyo_time is None:
        return row("clock/unknown")
    seconds = round((datetime.now(UTC) - klaviyo_time).total_seconds())
    if abs(seconds) <= SKEW_WARN:
        return row("clock")
    case = "clock/far off" if abs(seconds) > SKEW_FAIL else "clock/off"
    return row(case, seconds=abs(seconds), direction="ahead of" if seconds > 0 else "behind")


def _date_of(response: KlaviyoResponse) -> datetime | None:
    """Return the time in the response's `Date` header, or None if there is no valid one."""
    return parse_date(response.headers.get("Date"))


def _private_key(response: KlaviyoResponse) -> Row:
    if response.status == 200:
        return row("private_key")
    if is_denied(response):
        return row("private_key/no scope")
    if response.status == 401:
        return row("private_key/unknown")
    if response.status in _REVISION_REJECTED:
        return row("private_key/not tested")
    return row("private_key/unexpected", status=response.status)


def _public_key(response: KlaviyoResponse, ours: str) -> Row:
    if is_denied(response):
        return row("public_key/no scope")
    if not ours:
        return row("public_key/not set")
    theirs = next((attribute(item, "public_api_key") for item in response.resources), None)
    if not isinstance(theirs, str):
        return row("public_key/unknown")
    if theirs != ours:
        return row("public_key/other", ours=terminal_json(ours), theirs=terminal_json(theirs))
    return row("public_key", key=terminal_json(ours))


def _revision(response: KlaviyoResponse, requested: str) -> Row:
    """Check the API revision, which is stable for a year, deprecated for another, then retired.

    From "API versioning and deprecation policy" in Klaviyo's API documentation.
    """
    today = (_date_of(response) or datetime.now(UTC)).date()
    remedy = (
        "update Restock Kit, or set KLAVIYO_REVISION to a newer revision and test every channel"
    )
    if requested != REVISION and today < _add_years(date.fromisoformat(REVISION), 2):
        remedy = f"remove KLAVIYO_REVISION from .env: this kit was written for {REVISION}"
    if response.status in _REVISION_REJECTED:
        return row("revision/rejected", revision=requested, remedy=remedy)
    served = _date_in(response, "X-Klaviyo-Api-Revision")
    if served > requested:
        return row("revision/replaced", revision=requested, served=served, remedy=remedy)
    try:
        released = date.fromisoformat(requested[:10])
    except ValueError:
        return row("revision/rejected", revision=requested, remedy=remedy)
    retirement = _add_years(released, 2)
    if retirement <= today:
        return row("revision/retired", revision=requested, date=retirement, remedy=remedy)
    announced = _date_in(response, "X-Klaviyo-Api-Retirement-Date")
    if announced or _add_years(released, 1) <= today:
        day = announced or retirement
        return row("revision/deprecated", revision=requested, date=day, remedy=remedy)
    return row("revision", revision=requested, date=_add_years(released, 1))


def _date_in(response: KlaviyoResponse, header: str) -> str:
    """Return the date in a header, with any suffix such as `.pre`; empty without a date."""
    value = response.headers.get(header, "")
    match = re.match(r"\d{4}-\d{2}-\d{2}(\.[\w-]{1,20})?", value, re.ASCII)
    return match[0] if match else ""


def _add_years(day: date, years: int) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + years, day=28 if leap_day else day.day)


def _list(reader: Reader, list_id: str) -> Row:
    if not list_id:
        return row("list/not set")
    response = reader.read("list", "lists:read", reader.klaviyo.get_list, list_id)
    if response.status == 404:
        return row("list/unknown", name=terminal_json(list_id))
    if response.status != 200:
        return unreadable("list", response, "lists:read")
    resource = next(iter(response.resources), {})
    cases = {"single_opt_in": "list", "double_opt_in": "list/double"}
    case = cases.get(str(attribute(resource, "opt_in_process")), "list/unknown opt-in")
    return row(case, name=terminal_json(attribute(resource, "name") or list_id))


def _brand(reader: Reader) -> Row:
    """Report whether `flask notify-me import-brand` can be used. A brand is optional, so this
    never fails.
    """
    response = reader.read("brand", "", reader.klaviyo.get_brand, "button")
    if is_denied(response):
        return row("brand/no scope")
    if response.status == 404:
        return row("brand/other revision")
    if response.status != 200:
        return unreadable("brand", response, "brands:read")
    return row("brand" if response.resources else "brand/none")


def _scopes(reader: Reader, *, asks_for_consent: bool) -> Row:
    """Report which scopes the key has.

    The scopes for sign-ups are tested by sending a sign-up's calls with an empty body. Such a body
    names no person, variant or list, so Klaviyo can only refuse the call: with 400 if the key has
    the scopes, otherwise with 403.
    """
    calls = {Operation.BACK_IN_STOCK: SIGN_UP_SCOPES}
    if asks_for_consent:
        calls[Operation.SUBSCRIBE] = CONSENT_SCOPES
    for operation, scopes in calls.items():
        reader.read("scopes", scopes, _send, reader.klaviyo, Call(operation, {}))
    needed = frozenset(" ".join(calls.values()).split())
    has = ", ".join(sorted(reader.granted)) or "none of the scopes tested"
    if reader.denied:
        lacking = [scopes - reader.granted or scopes for scopes in reader.denied]
        lacks = ", ".join(sorted({" or ".join(sorted(scopes)) for scopes in lacking}))
        case = "scopes/missing" if any(scopes & needed for scopes in lacking) else "scopes/partial"
        return row(case, lacks=lacks, has=has, scopes=", ".join(sorted(READ_SCOPES | needed)))
    if untested := needed - reader.granted:
        return row("scopes/untested", has=has, untested=", ".join(sorted(untested)))
    return row("scopes", has=has)


def _send(klaviyo: Klaviyo, call: Call, *, deadline: Deadline) -> KlaviyoResponse:
    return klaviyo.send(call, deadline=deadline).response
