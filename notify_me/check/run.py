"""The whole check, in order: what can't be asked after a failure is skipped."""

from __future__ import annotations

from collections.abc import Iterable

from ..form.consent import form_options
from ..klaviyo.client import Klaviyo
from ..settings import Account, Settings
from ..variants import Catalog
from . import keys, sign_ups
from .asking import Asking, Tell, denied, trouble, trouble_cure
from .report import TITLES, Report, Row, Verdict
from .variants import variants_row


def check_account(
    klaviyo: Klaviyo | None, account: Account, settings: Settings, catalog: Catalog, tell: Tell
) -> Report:
    """Check the account that the keys name: reads alone, and two calls with an empty body.

    `klaviyo` is None without a private key; `tell` is given a few words before each call.
    Never raises for what the network or Klaviyo did: that is in the report.
    """
    if klaviyo is None:
        return _report([_no_private_key()], "it can't be told without a private key")
    asking = Asking(klaviyo, tell)
    answer = asking.ask(
        "account",
        {"accounts:read"},
        lambda deadline: klaviyo.get_accounts(deadline=deadline),
    )
    if words := trouble(answer):
        found = f"{account.api_url} {words}"
        row = Row("klaviyo", Verdict.FAIL, found, trouble_cure(answer))
        return _report([row], "not tried: Klaviyo doesn't answer")
    rows = [
        Row("klaviyo", Verdict.PASS, f"{account.api_url} answers"),
        keys.clock(answer),
        keys.private_key(answer),
        keys.revision(answer, account.revision),
    ]
    if answer.status != 200 and not denied(answer):
        return _report(rows, "not tried: Klaviyo refuses every call")
    rows.append(keys.public_key(answer, account))
    return _report(rows + _asked(asking, account, settings, catalog), "")


def _asked(asking: Asking, account: Account, settings: Settings, catalog: Catalog) -> list[Row]:
    languages = settings.languages.offered
    consent = any(form_options(settings, account, each).prompts for each in languages)
    rows = [
        sign_ups.list_row(asking, account.list_id),
        sign_ups.flow_row(asking),
        variants_row(asking, catalog),
    ]
    sign_ups.probe_writes(asking, consent=consent)
    needed = sign_ups.SIGN_UP_SCOPES | (sign_ups.CONSENT_SCOPES if consent else frozenset())
    return [*rows, keys.scopes(asking, needed)]


def _no_private_key() -> Row:
    return Row(
        "private_key",
        Verdict.WARN,
        "not set: the browser calls Klaviyo with the public key, and there is no net for what a "
        "content blocker stops",
        "set KLAVIYO_PRIVATE_KEY to have the account checked, and the net",
    )


def _report(rows: Iterable[Row], otherwise: str) -> Report:
    """The rows in their order; what is missing is skipped, for the reason given."""
    made = {row.check: row for row in rows}
    return Report([made.get(name) or Row(name, Verdict.SKIP, otherwise) for name in TITLES])
