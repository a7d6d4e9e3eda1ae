"""What a sign-up meets at Klaviyo: the calls that write, the list, and the flow."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from ..klaviyo.outcomes import KlaviyoResponse
from ..settings.listing import terminal_json
from .asking import Asking, attribute, denied, things, trouble, trouble_cure
from .report import Row, Verdict

METRIC = "Subscribed to Back in Stock"
"""The metric that starts a back-in-stock flow."""
SIGN_UP_SCOPES = frozenset({"catalogs:write", "profiles:write"})
CONSENT_SCOPES = frozenset({"lists:write", "profiles:write", "subscriptions:write"})
_MAKE_FLOW = (
    f'make a flow in Klaviyo with the trigger "{METRIC}", then a back-in-stock delay, then a '
    "message, and set it Live"
)


def probe_writes(asking: Asking, *, consent: bool) -> None:
    """Find out whether the key may make the calls of a sign-up, without making any.

    The body that is sent is empty: it names no person, no variant and no list, so nothing can come
    of it. A key that may is told that the body is wrong (400), one that may not is refused (403).
    """
    calls = asking.klaviyo
    asking.ask(
        "scopes of sign-ups",
        SIGN_UP_SCOPES,
        lambda deadline: calls.create_back_in_stock_subscription({}, deadline=deadline).response,
    )
    if consent:
        asking.ask(
            "scopes of consent",
            CONSENT_SCOPES,
            lambda deadline: calls.bulk_subscribe_profiles({}, deadline=deadline).response,
        )


def list_row(asking: Asking, list_id: str) -> Row:
    """Whether the list is there, and how it takes subscribers."""
    if not list_id:
        found = "not set: only SMS, WhatsApp and consent.email_list need one"
        return Row("list", Verdict.SKIP, found)
    answer = asking.ask(
        "list",
        {"lists:read"},
        lambda deadline: asking.klaviyo.get_list(list_id, deadline=deadline),
    )
    if answer.status == 404:
        return Row(
            "list",
            Verdict.FAIL,
            f"the account has no list {terminal_json(list_id)}",
            "set KLAVIYO_LIST_ID to the ID that stands in the list's address in Klaviyo, such as "
            "Y6nRLr",
        )
    if answer.status != 200:
        return unread("list", answer, "lists:read")
    name = next((terminal_json(attribute(each, "name")) for each in things(answer)), list_id)
    process = next((attribute(each, "opt_in_process") for each in things(answer)), None)
    if process == "double_opt_in":
        return Row(
            "list",
            Verdict.WARN,
            f"{name} has double opt-in: whoever doesn't answer its message isn't subscribed, and "
            "hears nothing by text. The form says so",
            "leave it so if you want it; else switch in Klaviyo: the list > Settings > Consent",
        )
    if process != "single_opt_in":
        found = f"{name} is there, but doesn't say how it takes subscribers"
        return Row("list", Verdict.WARN, found)
    return Row("list", Verdict.PASS, f"{name} has single opt-in: subscribed at once")


def flow_row(asking: Asking) -> Row:
    """Whether a live flow waits for sign-ups: without one, nobody is put on the waiting list."""
    found, answer = _metric(asking)
    if answer.status != 200:
        return unread("flow", answer, "metrics:read")
    if found is None:
        return Row(
            "flow",
            Verdict.FAIL,
            f'the account has no metric "{METRIC}", and so no flow that starts from it',
            f"{_MAKE_FLOW}; if Klaviyo doesn't offer that trigger yet, make one sign-up first",
        )
    answer = asking.ask(
        "flow",
        {"flows:read", "metrics:read"},
        lambda deadline: asking.klaviyo.get_flows_triggered_by_metric(found, deadline=deadline),
    )
    if answer.status != 200:
        return unread("flow", answer, "flows:read")
    return _flow(answer)


def _flow(answer: KlaviyoResponse) -> Row:
    flows = [each for each in things(answer) if attribute(each, "archived") is not True]
    names = {attribute(each, "status"): terminal_json(attribute(each, "name")) for each in flows}
    if name := names.get("live"):
        found = f"{name} is live (Klaviyo doesn't tell whether each of its messages is, too)"
        return Row("flow", Verdict.PASS, found)
    if name := names.get("manual"):
        return Row(
            "flow",
            Verdict.WARN,
            f"{name} is manual: people wait, but each message is held until somebody sends it",
            "set the flow's message to Live in Klaviyo, unless you mean to send by hand",
        )
    if name := names.get("draft"):
        return Row(
            "flow",
            Verdict.FAIL,
            f"{name} is a draft: sign-ups are accepted, and nobody is put on the waiting list",
            "set the flow's message to Live in Klaviyo",
        )
    if flows:
        found = f'a flow starts from "{METRIC}", but its status is none that is known'
        return Row("flow", Verdict.WARN, found, "look at it in Klaviyo: is its message Live?")
    return Row(
        "flow",
        Verdict.FAIL,
        f'no flow starts from "{METRIC}": sign-ups are accepted, and nobody is put on the '
        "waiting list",
        _MAKE_FLOW,
    )


def unread(check: str, answer: KlaviyoResponse, scope: str) -> Row:
    """The row of what couldn't be read."""
    if denied(answer):
        return Row(check, Verdict.SKIP, f"it can't be read without the scope {scope}")
    words = trouble(answer) or f"answered {answer.status}"
    cure = trouble_cure(answer) if trouble(answer) else "run the check again"
    return Row(check, Verdict.WARN, f"it couldn't be read: Klaviyo {words}", cure)


def _metric(asking: Asking) -> tuple[str | None, KlaviyoResponse]:
    """The metric's ID, and the last answer: one without the metric ends the search."""
    cursor = ""
    while True:
        answer = _page_of_metrics(asking, cursor)
        for each in things(answer):
            if attribute(each, "name") == METRIC:
                return str(each.get("id")), answer
        before, cursor = cursor, _next_cursor(answer)
        if cursor in ("", before):
            return None, answer


def _page_of_metrics(asking: Asking, cursor: str) -> KlaviyoResponse:
    return asking.ask(
        "metrics",
        {"metrics:read"},
        lambda deadline: asking.klaviyo.get_metrics(cursor, deadline=deadline),
    )


def _next_cursor(answer: KlaviyoResponse) -> str:
    links = answer.document.get("links")
    following = str((links.get("next") if isinstance(links, dict) else None) or "")
    # of the link only the cursor is taken: the key goes to no other address
    return parse_qs(urlsplit(following).query).get("page[cursor]", [""])[0]
