"""Klaviyo's API revisions: a year stable, a year deprecated, then retired.

https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from werkzeug.datastructures import Headers

from .errors import Refusal, gone, invalid, not_found

HEADER = "revision"
OPT_OUT = "X-Klaviyo-Revision-Fall-Forward-Opt-Out"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RELEASE_MONTHS = (1, 4, 7, 10)
_RELEASE_DAY = 15


@dataclass(frozen=True, slots=True)
class Revision:
    """The revision that serves a call, which is not always the one asked for."""

    day: date
    retires: date
    deprecated: bool

    def headers(self) -> dict[str, str]:
        """Return the reply headers that name the revision and, once deprecated, its end."""
        headers = {"X-Klaviyo-Api-Revision": self.day.isoformat()}
        if self.deprecated:
            headers["X-Klaviyo-Api-Retirement-Date"] = self.retires.isoformat()
        return headers


def resolve(headers: Headers, today: date) -> Revision:
    """Return the revision that serves a call with these headers.

    Raises `Refusal`: 400 missing or malformed, 404 in the future, 410 retired and opted out.
    """
    asked = _parse(headers.get(HEADER, ""))
    if asked > today:
        detail = f"No valid revisions found for method: {asked.isoformat()} is in the future."
        raise Refusal(not_found(detail))
    if years_after(asked, 2) > today:
        return _revision(asked, today)
    if headers.get(OPT_OUT) == "1":
        raise Refusal(gone(f"Revision {asked.isoformat()} is retired."))
    return _revision(_oldest_served(today), today)


def years_after(day: date, years: int) -> date:
    """Return the same day some years later; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _parse(text: str) -> date:
    if not text:
        raise Refusal(invalid("The revision header is missing.", parameter=HEADER))
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        detail = "The revision header must be a date, such as 2026-07-15."
        raise Refusal(invalid(detail, parameter=HEADER)) from None


def _revision(day: date, today: date) -> Revision:
    return Revision(day, retires=years_after(day, 2), deprecated=years_after(day, 1) <= today)


def _oldest_served(today: date) -> date:
    """Return the oldest quarterly release that is not retired.

    Counted, not listed: a list would be out of date with Klaviyo's next release.
    """
    day = today
    oldest = today
    while years_after(day, 2) > today:
        if day.month in _RELEASE_MONTHS and day.day == _RELEASE_DAY:
            oldest = day
        day -= timedelta(days=1)
    return oldest
