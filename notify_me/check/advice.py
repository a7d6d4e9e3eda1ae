"""Messages and remedies of the checks, by case. Those for failed calls are in `reader.py`."""

from __future__ import annotations

from .report import Row, Verdict

METRIC = "Subscribed to Back in Stock"
"""The metric that triggers a back-in-stock flow."""

PASS, WARN, FAIL, SKIP = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.SKIP

_SET_LIVE = "set the flow's message to Live in Klaviyo"
_CREATE_FLOW = (
    f'create a flow in Klaviyo with the trigger "{METRIC}", then a back-in-stock delay, then a '
    "message, and set it to Live"
)
_CHECK_DATABASE = (
    "make sure that the database is running, and that flask notify-me upgrade has been run"
)
_NOBODY_WAITS = "sign-ups are accepted, but nobody joins the waiting list"
_CLOCK = (
    "this machine's clock is {seconds} s {direction} Klaviyo's, so consent is recorded with the "
    "wrong time",
    "synchronize the clock, for example with: timedatectl set-ntp true",
)
_NEW_KEY = (
    "a key's scopes can't be changed: create a private key in Klaviyo under Settings > API keys, "
    "with {scopes}, and set it as KLAVIYO_PRIVATE_KEY"
)

ADVICE: dict[str, tuple[Verdict, str, str]] = {
    "klaviyo": (PASS, "{url} responds", ""),
    "klaviyo/failed": (FAIL, "{url} {problem}", "{remedy}"),
    "clock": (PASS, "agrees with Klaviyo's", ""),
    "clock/unknown": (SKIP, "Klaviyo's response contains no date to compare the clock with", ""),
    "clock/off": (WARN, *_CLOCK),
    "clock/far off": (FAIL, *_CLOCK),
    "private_key": (PASS, "gives access to the account", ""),
    "private_key/no scope": (
        PASS,
        "is valid; identifying its account requires the accounts:read scope",
        "",
    ),
    "private_key/not set": (
        WARN,
        "not set: the browser calls Klaviyo with the public key, and sign-ups that a content "
        "blocker stops are lost",
        "set KLAVIYO_PRIVATE_KEY, so that the server can send those sign-ups and this check can "
        "test the account",
    ),
    "private_key/unknown": (
        FAIL,
        "Klaviyo doesn't recognize the key in KLAVIYO_PRIVATE_KEY",
        "copy it again from Klaviyo under Settings > API keys, into .env (a key is shown only "
        "once: create another if necessary)",
    ),
    "private_key/not tested": (SKIP, "not tested: Klaviyo rejected the API revision first", ""),
    "private_key/unexpected": (
        FAIL,
        "Klaviyo returned status {status}, which this check doesn't handle",
        "make sure that KLAVIYO_API_URL is the URL of Klaviyo's API",
    ),
    "public_key": (PASS, "{key} belongs to the same account", ""),
    "public_key/no scope": (SKIP, "can't be compared without the accounts:read scope", ""),
    "public_key/not set": (SKIP, "not set: only client mode needs it", ""),
    "public_key/unknown": (WARN, "Klaviyo didn't return the account's public key", ""),
    "public_key/other": (
        FAIL,
        "KLAVIYO_PUBLIC_KEY is {ours}, but the private key belongs to the account {theirs}",
        "copy both keys from the same account, under Settings > API keys",
    ),
    "revision": (PASS, "{revision} is stable until {date}", ""),
    "revision/deprecated": (
        WARN,
        "{revision} is deprecated: Klaviyo retires it on {date}",
        "{remedy}",
    ),
    "revision/retired": (FAIL, "{revision} was retired on {date}", "{remedy}"),
    "revision/replaced": (
        FAIL,
        "{revision} is retired: Klaviyo served {served} instead",
        "{remedy}",
    ),
    "revision/rejected": (FAIL, "Klaviyo rejects the revision {revision}", "{remedy}"),
    "scopes": (PASS, "the key has {has}", ""),
    "scopes/missing": (FAIL, "the key lacks {lacks}; it has {has}", _NEW_KEY),
    "scopes/partial": (
        WARN,
        "the key lacks {lacks}; it has {has}. Sign-ups work, but parts of this check or of the "
        "form don't",
        _NEW_KEY,
    ),
    "scopes/untested": (
        WARN,
        "the key has {has}; {untested} couldn't be tested",
        "look up the key in Klaviyo under Settings > API keys, and make sure it has these scopes",
    ),
    "list": (PASS, "{name} uses single opt-in", ""),
    "list/double": (
        WARN,
        "{name} uses double opt-in: shoppers who don't confirm aren't subscribed, and get no "
        "texts. After a sign-up, the form asks them to confirm",
        "if you don't want that, change it in Klaviyo, under the list's Settings > Consent",
    ),
    "list/unknown opt-in": (
        WARN,
        "{name} exists, but Klaviyo doesn't say which opt-in it uses",
        "",
    ),
    "list/not set": (SKIP, "not set: only SMS, WhatsApp and consent.email_list need one", ""),
    "list/unknown": (
        FAIL,
        "the account has no list {name}",
        "set KLAVIYO_LIST_ID to the ID in the list's URL in Klaviyo, such as Y6nRLr",
    ),
    "flow": (PASS, "{name} is live (Klaviyo doesn't say whether its messages are also live)", ""),
    "flow/manual": (
        WARN,
        "{name} is manual: messages wait until somebody sends them",
        f"{_SET_LIVE}, unless you want to send messages manually",
    ),
    "flow/draft": (FAIL, f"{{name}} is a draft: {_NOBODY_WAITS}", _SET_LIVE),
    "flow/unknown status": (
        WARN,
        f'a flow is triggered by "{METRIC}", but its status is unknown',
        "in Klaviyo, make sure that its message is Live",
    ),
    "flow/not read": (SKIP, "not checked yet", ""),
    "flow/no key": (SKIP, "can't be read without a private key", ""),
    "flow/none": (FAIL, f'no flow is triggered by "{METRIC}": {_NOBODY_WAITS}', _CREATE_FLOW),
    "flow/no metric": (
        FAIL,
        f'the account has no metric "{METRIC}" to trigger a flow',
        f"{_CREATE_FLOW}; if Klaviyo doesn't offer that trigger yet, submit one sign-up first",
    ),
    "public_key/refused": (
        FAIL,
        "{problem}. Sign-ups affected in the last 24 hours: {count:,}",
        "{remedy}",
    ),
    "sign_ups": (PASS, "no sign-ups are waiting for a variant that isn't in Klaviyo's catalog", ""),
    "sign_ups/unreadable": (SKIP, "the sign-up log can't be read", _CHECK_DATABASE),
    "sign_ups/unknown variants": (
        FAIL,
        "sign-ups are waiting for variants that aren't in Klaviyo's catalog: {names}",
        "{remedy}",
    ),
    "delivery": (PASS, "nothing is paused, and nothing needs to be retried", ""),
    "delivery/unreadable": (SKIP, "the queue can't be read", _CHECK_DATABASE),
    "delivery/paused": (FAIL, "{pauses}", "{remedies}"),
    "delivery/throttled": (
        WARN,
        "{pauses}",
        "wait, or run flask notify-me resume",
    ),
    "delivery/dead letters": (
        WARN,
        "sign-ups that need review (dead-lettered): {count:,}. Last error: {problem}",
        "fix the cause, then retry them (flask notify-me retry)",
    ),
    "variants": (PASS, "all {total:,} are in Klaviyo's catalog", ""),
    "variants/none": (
        WARN,
        "the shop has no variants",
        "add products to it, and run the check again",
    ),
    "variants/not listed": (
        SKIP,
        "the shop's catalog can't list its variants",
        "add a composite_ids() method to it (notify_me.ListedCatalog), and run the check again",
    ),
    "variants/invalid": (
        FAIL,
        "the shop's catalog contains an invalid ID: {error}",
        "correct it in the shop's catalog",
    ),
    "variants/misnamed": (
        FAIL,
        "{count:,} of {total:,} have a non-numeric ID, but {integrations} IDs are numbers: {names}",
        "these look like SKUs or names: use the platform's own variant IDs",
    ),
    "variants/unknown": (
        FAIL,
        "{count:,} of {total:,} are not in Klaviyo's catalog: {names}",
        "push them to Klaviyo's custom catalog: flask notify-me push-catalog; if another system "
        "fills Klaviyo's catalog, use that system's integration, catalog ID and variant IDs",
    ),
    "variants/items": (
        WARN,
        "{count:,} of {total:,} are not variants in Klaviyo: {names}. The variants listed here "
        "exist as items, because a feed creates items, not variants",
        "submit a sign-up for one of them: if it is refused, push them as variants, and turn the "
        "feed off",
    ),
    "brand": (PASS, "can be imported: flask notify-me import-brand", ""),
    "brand/none": (SKIP, "the account has no brand button to import", ""),
    "brand/no scope": (
        SKIP,
        "optional: with the brands:read scope, flask notify-me import-brand can match the "
        "button and the form to the brand",
        "",
    ),
    "brand/other revision": (
        SKIP,
        "optional: the Brands API needs revision 2026-10-15 or later",
        "",
    ),
    "variants/other integration": (
        WARN,
        "{count:,} of {total:,} are from {integrations}: Klaviyo's API only returns the custom "
        "catalog, so this check can't tell whether they have been synced",
        "in Klaviyo under Content > Products, make sure that the integration is syncing, and "
        "submit a sign-up for one of them: if that variant isn't in Klaviyo's catalog, the log "
        "says so",
    ),
}
"""The verdict, message and remedy of each case. Its key is `check/case`, or just `check` for the
usual case.
"""


def row(case: str, **values: object) -> Row:
    """Return the row of a case of `ADVICE`, with its placeholders filled in."""
    verdict, message, remedy = ADVICE[case]
    check = case.partition("/")[0]
    return Row(check, verdict, message.format(**values), remedy.format(**values))
