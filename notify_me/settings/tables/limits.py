"""`[limits]`: how many forms may be submitted, and how many alerts may be requested."""

from __future__ import annotations

from pydantic import Field

from ..base import SettingsTable


class Limits(SettingsTable):
    """`[limits]`: how many forms a client may submit, and how many alerts may be requested for a
    contact. A client is an IPv4 address, or the /64 network of an IPv6 address. Submissions are
    counted in the storage at `RATELIMIT_STORAGE_URI`, or in memory if that isn't set.
    """

    valid_posts: int = Field(30, ge=1, le=100_000, title="Valid submissions per minute")
    """Maximum number of valid form submissions per minute from one client. Don't set this too low:
    a household or office shares an IP address, and in client mode each sign-up submits the form
    twice.
    """
    invalid_posts: int = Field(120, ge=1, le=100_000, title="Invalid submissions per minute")
    """Maximum number of invalid form submissions per minute from one client. They don't count
    towards valid_posts.
    """
    posts_per_contact: int = Field(10, ge=1, le=100_000, title="Submissions per contact")
    """Maximum number of valid form submissions per minute from one client with the same email
    address or phone number.
    """
    alerts_per_contact: int = Field(30, ge=1, le=100_000, title="Alerts per contact")
    """Maximum number of alerts that can be requested for one email address or phone number in 24
    hours, from all clients combined. Each variant counts as one. A contact's first sign-up in that
    time is always allowed, however many variants it is for.
    """
