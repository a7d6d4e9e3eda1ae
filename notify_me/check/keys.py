"""The keys, the scopes of the private one, this machine's clock, and the revision's age."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from ..klaviyo.client import REVISION
from ..klaviyo.outcomes import KlaviyoResponse
from ..settings import Account
from ..settings.listing import terminal_json
from .asking import Asking, attribute, denied, things, time_of
from .report import Row, Verdict

SKEW_WARN, SKEW_FAIL = 60, 300
"""Seconds by which this machine's clock may differ from Klaviyo's."""
NEW_KEY = (
    "a key's scopes can't be changed: make a new private key in Klaviyo under Settings > API keys "
    "with {scopes}, and put it in KLAVIYO_PRIVATE_KEY"
)
READ_SCOPES = frozenset(
    {"accounts:read", "catalogs:read", "flows:read", "lists:read", "metrics:read"}
)
"""What this check reads with; `lists:read` serves the form's words, too."""
REFUSED_REVISION = frozenset({400, 404, 410})
"""What `GET /api/accounts` answers only when it doesn't take the revision."""


def private_key(answer: KlaviyoResponse) -> Row:
    """Whether the key opens an account."""
    if answer.status == 401:
        return Row(
            "private_key",
            Verdict.FAIL,
            "Klaviyo doesn't know the key in KLAVIYO_PRIVATE_KEY",
            "copy a private key anew from Klaviyo, Settings > API keys (it is shown once: else "
            "make another), and put it in .env",
        )
    if answer.status in REFUSED_REVISION:
        found = "it can't be told: Klaviyo refused the revision first"
        return Row("private_key", Verdict.SKIP, found)
    if answer.status == 200:
        return Row("private_key", Verdict.PASS, "it opens the account")
    if denied(answer):
        found = "Klaviyo knows it; which account it opens needs the scope accounts:read"
        return Row("private_key", Verdict.PASS, found)
    found = f"Klaviyo answered {answer.status}, which this check doesn't expect"
    return Row("private_key", Verdict.FAIL, found, "is KLAVIYO_API_URL Klaviyo's address?")


def public_key(answer: KlaviyoResponse, account: Account) -> Row:
    """Whether it is of the account that the private key opens."""
    if denied(answer):
        found = "whose it is can't be told without the scope accounts:read"
        return Row("public_key", Verdict.SKIP, found)
    found_key = next((attribute(each, "public_api_key") for each in things(answer)), None)
    if not account.public_key:
        return Row("public_key", Verdict.SKIP, "not set: only client mode needs it")
    if not isinstance(found_key, str):
        return Row("public_key", Verdict.WARN, "Klaviyo didn't tell the account's public key")
    if found_key != account.public_key:
        return Row(
            "public_key",
            Verdict.FAIL,
            f"KLAVIYO_PUBLIC_KEY is {terminal_json(account.public_key)}, but the private key opens "
            f"the account {terminal_json(found_key)}",
            "copy both keys from the same account, Settings > API keys",
        )
    return Row("public_key", Verdict.PASS, f"{terminal_json(found_key)} is the same account's")


def clock(answer: KlaviyoResponse) -> Row:
    """How far this machine's clock is from Klaviyo's. Call it as soon as the answer is there."""
    told = time_of(answer)
    if told is None:
        return Row("clock", Verdict.SKIP, "the answer tells no time to compare with")
    seconds = round((datetime.now(UTC) - told).total_seconds())
    if abs(seconds) <= SKEW_WARN:
        return Row("clock", Verdict.PASS, "this machine's time is Klaviyo's")
    verdict = Verdict.FAIL if abs(seconds) > SKEW_FAIL else Verdict.WARN
    way = "ahead of" if seconds > 0 else "behind"
    return Row(
        "clock",
        verdict,
        f"this machine's clock is {abs(seconds)} s {way} Klaviyo's: consent would be recorded "
        "with a wrong time",
        "let the machine set its clock by itself, such as with: timedatectl set-ntp true",
    )


def revision(answer: KlaviyoResponse, asked: str) -> Row:
    """How old the revision is: stable for a year, deprecated for another, then retired."""
    today = (time_of(answer) or datetime.now(UTC)).date()
    cure = _other_revision(asked, today)
    if answer.status in REFUSED_REVISION:
        return Row("revision", Verdict.FAIL, f"Klaviyo refuses the revision {asked}", cure)
    served = _date_in(answer, "X-Klaviyo-Api-Revision")
    if served > asked:
        found = f"{asked} is retired: Klaviyo served {served} in its place"
        return Row("revision", Verdict.FAIL, found, cure)
    day = _day(asked)
    if day is None:
        return Row("revision", Verdict.FAIL, f"{asked} is no date", cure)
    ends = _after(day, 2)
    if ends <= today:
        return Row("revision", Verdict.FAIL, f"{asked} was retired on {ends}", cure)
    told = _date_in(answer, "X-Klaviyo-Api-Retirement-Date")
    if told or _after(day, 1) <= today:
        found = f"{asked} is deprecated: Klaviyo retires it on {told or ends}"
        return Row("revision", Verdict.WARN, found, cure)
    return Row("revision", Verdict.PASS, f"{asked} is stable until {_after(day, 1)}")


def scopes(asking: Asking, needed: frozenset[str]) -> Row:
    """Which scopes the key has proved to have, and which not; sign-ups need `needed`."""
    lacking = [group - asking.has or group for group in asking.lacks]
    has = f"has {', '.join(sorted(asking.has)) or 'none that was tried'}"
    if lacking:
        words = sorted({" or ".join(sorted(group)) for group in lacking})
        every = sorted(READ_SCOPES | needed)
        serious = any(group & needed for group in lacking)
        return Row(
            "scopes",
            Verdict.FAIL if serious else Verdict.WARN,
            f"lacks {', '.join(words)}; {has}"
            + ("" if serious else ": sign-ups work, but not all of this check, or of the form"),
            NEW_KEY.format(scopes=", ".join(every)),
        )
    if unproved := needed - asking.has:
        found = f"{has}; whether it has {', '.join(sorted(unproved))} couldn't be told"
        cure = "compare with the key's scopes in Klaviyo under Settings > API keys"
        return Row("scopes", Verdict.WARN, found, cure)
    return Row("scopes", Verdict.PASS, has)


def _other_revision(asked: str, today: date) -> str:
    own = _day(REVISION)
    if asked != REVISION and own and today < _after(own, 2):
        return f"take KLAVIYO_REVISION out of .env: this kit was written against {REVISION}"
    return "update Restock Kit, or set KLAVIYO_REVISION to a newer one and try every channel"


def _date_in(answer: KlaviyoResponse, header: str) -> str:
    """The date in a header (and what may follow it, such as `.pre`); empty for anything else."""
    found = re.match(r"\d{4}-\d{2}-\d{2}(\.[\w-]{1,20})?", answer.headers.get(header, ""), re.ASCII)
    return found[0] if found else ""


def _day(revision: str) -> date | None:
    try:
        return date.fromisoformat(revision[:10])
    except ValueError:
        return None


def _after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
