"""Klaviyo's API revisions: stable for a year, deprecated for a year, then retired.

https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
"""

import re
from dataclasses import dataclass
from datetime import date

from werkzeug.datastructures import Headers

from .errors import Refusal, error, invalid

HEADER = "revision"
OPT_OUT = "X-Klaviyo-Revision-Fall-Forward-Opt-Out"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RELEASE_MONTHS = (1, 4, 7, 10)
_RELEASE_DAY = 15


@dataclass(frozen=True, slots=True)
class Revision:
    """The revision that serves a call. It isn't always the one that was requested."""

    day: date
    retires: date
    deprecated: bool

    def headers(self) -> dict[str, str]:
        """Return the reply headers: the revision and, once deprecated, its retirement date."""
        headers = {"X-Klaviyo-Api-Revision": self.day.isoformat()}
        if self.deprecated:
            headers["X-Klaviyo-Api-Retirement-Date"] = self.retires.isoformat()
        return headers


def resolve(headers: Headers, today: date) -> Revision:
    """Return the revision that serves a call with these request headers.

    A retired revision falls forward to the oldest one still served. Raises `Refusal`: 400 for a
    missing or malformed date, 404 for a date in the future, 410 for a retired revision if the call
    opts out of falling forward.
    """
    day = _requested(headers)
    if day > today:
        raise Refusal(
            error(404, f"No valid revisions found for method: {day.isoformat()} is in the future.")
        )
    if _years_after(day, 2) <= today:
        if headers.get(OPT_OUT) == "1":
            raise Refusal(error(410, f"Revision {day.isoformat()} is retired."))
        day = _oldest_served(today)
    return Revision(day, _years_after(day, 2), deprecated=_years_after(day, 1) <= today)


def _requested(headers: Headers) -> date:
    text = headers.get(HEADER, "")
    if not text:
        raise Refusal(invalid("The revision header is missing.", parameter=HEADER))
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        detail = "The revision header must be a date, such as 2026-10-15."
        raise Refusal(invalid(detail, parameter=HEADER)) from None


def _oldest_served(today: date) -> date:
    """Return the oldest quarterly release that isn't retired.

    The dates are computed, since a list would be out of date with Klaviyo's next release.
    """
    return next(
        release
        for year in range(today.year - 2, today.year + 1)
        for month in _RELEASE_MONTHS
        if _years_after(release := date(year, month, _RELEASE_DAY), 2) > today
    )


def _years_after(day: date, years: int) -> date:
    """Return the same day some years later; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
