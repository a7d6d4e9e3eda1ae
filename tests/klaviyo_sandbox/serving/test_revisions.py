"""Which revision serves a call, and what its reply says of it."""

from datetime import UTC, datetime

import pytest

from tests.klaviyo_sandbox.conftest import Running

OPT_OUT = {"X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1"}


@pytest.mark.parametrize(
    ("asked", "served", "retires"),
    [
        ("2026-11-24", "2026-11-24", None),
        ("2026-10-15", "2026-10-15", None),
        ("2026-07-15", "2026-07-15", None),
        ("2025-11-25", "2025-11-25", None),
        ("2025-11-24", "2025-11-24", "2027-11-24"),
        ("2025-01-15", "2025-01-15", "2027-01-15"),
        ("2024-11-25", "2024-11-25", "2026-11-25"),
        ("2024-11-24", "2025-01-15", "2027-01-15"),
        ("2024-02-29", "2025-01-15", "2027-01-15"),
        ("2023-07-15", "2025-01-15", "2027-01-15"),
    ],
)
def test_a_revision_lives_two_years(
    sandbox: Running, asked: str, served: str, retires: str | None
) -> None:
    """A year stable, a year deprecated, and then served by the oldest that is not retired."""
    for call in (sandbox.server_call, sandbox.browser_call):
        reply = call(revision=asked)

        assert reply.status_code == 202
        assert served == reply.headers["X-Klaviyo-Api-Revision"]
        assert retires == reply.headers.get("X-Klaviyo-Api-Retirement-Date")


@pytest.mark.parametrize(("asked", "status"), [("2024-11-24", 410), ("2024-11-25", 202)])
def test_falling_forward_can_be_refused(sandbox: Running, asked: str, status: int) -> None:
    """With the opt-out header a retired revision is 410, and a living one is served."""
    reply = sandbox.server_call(**OPT_OUT, revision=asked)

    assert status == reply.status_code
    if status == 410:
        assert reply.json()["errors"][0]["code"] == "gone"


def test_the_date_is_the_clocks(sandbox: Running) -> None:
    """A revision in the future is 404 today and served when its day has come."""
    assert sandbox.server_call(revision="2027-01-15").status_code == 404

    sandbox.clock.now = datetime(2027, 1, 15, tzinfo=UTC)

    assert sandbox.server_call(revision="2027-01-15").status_code == 202


def test_a_refusal_names_the_revision_too(sandbox: Running) -> None:
    """Once the revision is known, a refused call's reply names it as well."""
    assert sandbox.server_call({}).headers["X-Klaviyo-Api-Revision"] == "2026-07-15"
