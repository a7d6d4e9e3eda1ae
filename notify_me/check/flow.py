"""Checks that sign-ups trigger a live flow. Without such a flow, nobody joins the waiting list."""

from __future__ import annotations

import logging
import threading
import time
from urllib.parse import parse_qs

from ..klaviyo.circuit_breaker import CircuitBreaker
from ..klaviyo.client import Deadline
from ..klaviyo.outcomes import KlaviyoResponse, attribute, mapping
from ..settings.listing import terminal_json
from .advice import METRIC
from .advice import row as advice_row
from .reader import Reader, unreadable
from .report import Row, Verdict

logger = logging.getLogger(__name__)

KNOWN_TTL = 300.0
"""Seconds until the flow is read again after a pass or failure, since a merchant may change it."""
UNKNOWN_TTL = 60.0
"""Seconds until the flow is read again after any other verdict, for example because Klaviyo didn't
respond.
"""
MAX_PAGES = 20
"""The maximum number of pages of metrics to read, each with up to 200 metrics. Most accounts have
one or two pages.
"""
READ_TIMEOUT = 3.0
"""Seconds that a page waits for Klaviyo, for all calls combined."""


class FlowCheck:
    """The `flow` row of the check, cached in this process. `breaker` is None without a private key.

    The row reports network errors and error responses; they aren't raised.
    """

    def __init__(self, breaker: CircuitBreaker | None) -> None:
        self._breaker = breaker
        self._read_lock = threading.Lock()
        self._row = advice_row("flow/not read")
        self._expires_at = 0.0

    def row(self) -> Row:
        """Return the row. When `KNOWN_TTL` or `UNKNOWN_TTL` has passed, the flow is read again,
        which takes three seconds at most. Meanwhile, other threads get the previous row.
        """
        if self._breaker is None:
            return advice_row("flow/no key")
        if time.monotonic() >= self._expires_at and self._read_lock.acquire(blocking=False):
            try:
                self._refresh(self._breaker)
            finally:
                self._read_lock.release()
        return self._row

    def _refresh(self, breaker: CircuitBreaker) -> None:
        if klaviyo := breaker.if_closed():
            self._row = flow_row(Reader(klaviyo, deadline=Deadline(READ_TIMEOUT)))
        known = self._row.verdict in (Verdict.PASS, Verdict.FAIL)
        self._expires_at = time.monotonic() + (KNOWN_TTL if known else UNKNOWN_TTL)

    def log(self) -> None:
        """Log the row: as an error if the check failed, as a warning if it needs attention."""
        current = self.row()
        level = {Verdict.FAIL: logging.ERROR, Verdict.WARN: logging.WARNING}.get(current.verdict)
        remedy = f". Remedy: {current.remedy}" if current.remedy else ""
        logger.log(level or logging.INFO, "back-in-stock flow: %s%s", current.message, remedy)


def flow_row(reader: Reader) -> Row:
    """Return the `flow` row, read from Klaviyo."""
    metric_id, response = _find_metric(reader)
    if response.status != 200:
        return unreadable("flow", response, "metrics:read")
    if metric_id is None:
        return advice_row("flow/no metric")
    read_flows = reader.klaviyo.get_flows_triggered_by_metric
    response = reader.read("flow", "flows:read metrics:read", read_flows, metric_id)
    if response.status != 200:
        return unreadable("flow", response, "flows:read")
    flows = [flow for flow in response.resources if attribute(flow, "archived") is not True]
    names = {
        str(attribute(flow, "status")): terminal_json(attribute(flow, "name")) for flow in flows
    }
    for status, case in (("live", "flow"), ("manual", "flow/manual"), ("draft", "flow/draft")):
        if status in names:
            return advice_row(case, name=names[status])
    return advice_row("flow/unknown status" if flows else "flow/none")


def _find_metric(reader: Reader) -> tuple[str | None, KlaviyoResponse]:
    """Return the ID of the metric named `METRIC`, or None, and the last response."""
    cursor = ""
    for _ in range(MAX_PAGES):
        response = reader.read("metrics", "metrics:read", reader.klaviyo.get_metrics, cursor)
        for metric in response.resources:
            if attribute(metric, "name") == METRIC:
                return str(metric.get("id")), response
        cursor = _next_cursor(response)
        if not cursor:
            break
    return None, response


def _next_cursor(response: KlaviyoResponse) -> str:
    link = mapping(mapping(response.document).get("links")).get("next")
    # only the link's cursor is used, so that the key can't be sent to another host
    query = str(link or "").partition("?")[2]
    return parse_qs(query).get("page[cursor]", [""])[0]
