"""Account health: the checks of the Klaviyo account, for the merchant's pages."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g

from notify_me import admin

from . import deliveries

HEADINGS = {
    "flow": "No live flow: nobody will be notified",
    "sign_ups": "Variants missing from Klaviyo’s catalog",
    "public_key": "Klaviyo is rejecting sign-ups from shoppers’ browsers",
}
"""While one of these checks fails, all of the merchant's pages show a banner with this heading. The
deliveries page shows all checks.
"""
NAMES = {
    "flow": "Back-in-stock flow",
    "sign_ups": "Variants",
    "delivery": "Delivery",
    "public_key": "Public key",
}
"""The name of each check on the merchant's pages."""
VERDICTS = {
    admin.Verdict.PASS: ("OK", "in-stock"),
    admin.Verdict.WARN: ("Warning", "low"),
    admin.Verdict.FAIL: ("Action required", "bad"),
    admin.Verdict.SKIP: ("Not checked", "sold-out"),
}
"""The label of each verdict, and the suffix of the CSS class for its colour."""


def rows() -> Sequence[admin.Row]:
    """Return the rows of `admin.health()`, cached for the rest of the request."""
    if "merchant_health" not in g:
        g.merchant_health = admin.health(deliveries.status).rows
    result: Sequence[admin.Row] = g.merchant_health
    return result


def problems() -> Sequence[tuple[str, admin.Row]]:
    """Return the heading and the row of each failed check that has a banner."""
    return [
        (HEADINGS[row.check], row)
        for row in rows()
        if row.verdict is admin.Verdict.FAIL and row.check in HEADINGS
    ]
