"""Account health: what works, and what keeps shoppers from being notified."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g

from notify_me import admin

from . import deliveries

HEADINGS = {
    "flow": "No live flow: nobody will be notified",
    "sign_ups": "A variant is missing from Klaviyo",
    "public_key": "Klaviyo rejects sign-ups from shoppers’ browsers",
}
"""The heading of each check that has a banner. The deliveries page shows the others."""
NAMES = {
    "flow": "Back-in-stock flow",
    "sign_ups": "Variants",
    "delivery": "Delivery",
    "public_key": "Public key",
}
"""What the merchant's pages call each check."""
VERDICTS = {
    admin.Verdict.PASS: ("OK", "in-stock"),
    admin.Verdict.WARN: ("Warning", "low"),
    admin.Verdict.FAIL: ("Action required", "bad"),
    admin.Verdict.SKIP: ("Not checked", "sold-out"),
}
"""The label of each verdict, and the class suffix of its colour."""


def rows() -> Sequence[admin.Row]:
    """Return the rows of `admin.health()`, which each request reads only once."""
    if "merchant_health" not in g:
        g.merchant_health = admin.health(deliveries.status).rows
    result: Sequence[admin.Row] = g.merchant_health
    return result


def problems() -> Sequence[tuple[str, admin.Row]]:
    """Return the heading and the row of each failed check; none if Klaviyo can't be reached."""
    return [
        (HEADINGS[row.check], row)
        for row in rows()
        if row.verdict is admin.Verdict.FAIL and row.check in HEADINGS
    ]
