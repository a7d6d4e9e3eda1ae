"""What keeps shoppers from being notified, for the banner on the merchant's pages."""

from __future__ import annotations

from collections.abc import Sequence

from notify_me import admin

HEADINGS = {
    "flow": "No live flow: nobody will be notified",
    "sign_ups": "Klaviyo doesn’t have a variant that shoppers asked for",
    "public_key": "Klaviyo refuses the calls of shoppers’ browsers",
}
"""The heading of each check that has a banner. The deliveries page shows the others."""


def problems() -> Sequence[tuple[str, admin.Row]]:
    """Return the heading and the row of each failed check; none if Klaviyo can't be asked."""
    return [
        (HEADINGS[row.check], row)
        for row in admin.health().rows
        if row.verdict is admin.Verdict.FAIL and row.check in HEADINGS
    ]
