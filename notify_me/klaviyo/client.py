"""Klaviyo over HTTP: one session, one method an operation, a deadline on every call."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from .calls import Call, Operation
from .outcomes import ACCEPTED_STATUS, KlaviyoResponse, Outcome, outcome_of

logger = logging.getLogger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that are this machine."""
REVISION = "2026-07-15"
"""The API revision this kit was written against: the one place where it stands."""
CONTENT_TYPE = "application/vnd.api+json"
SLOT_TIMEOUT = 0.05
"""Seconds to wait for a place among the calls in flight: a shopper's thread is held meanwhile."""
CONNECT_TIMEOUT = 2.0
"""Seconds to open a connection."""
NO_FREE_SLOT = "no free place for another call"
"""The problem of a call that wasn't made since too many were under way."""
MAX_BODY_BYTES = 64 * 1024
"""How much of a reply's body is read: Klaviyo's errors are under 1 kB."""
MAX_PAGE_BYTES = 2 * 1024 * 1024
"""The same for a page of things: a hundred variants, each with its links, are about 100 kB."""


class Deadline:
    """A moment that several calls share, in seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; never below zero."""
        return max(0.0, self._end - time.monotonic())


class _KeyAuth(requests.auth.AuthBase):
    """Sets the key on each request: a header alone would be overridden by a `.netrc`."""

    def __init__(self, private_key: str) -> None:
        self._private_key = private_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Klaviyo-API-Key {self._private_key}"
        return request


class Klaviyo:
    """Klaviyo's server-side API for one account.

    `in_flight` bounds the calls under way at once in this process: half of a web process's
    threads, so that a slow Klaviyo leaves the other half to the shop's pages. Each call runs in a
    thread of its own, and ends at its deadline whatever Klaviyo does.
    """

    def __init__(
        self, *, api_url: str, private_key: str, revision: str = REVISION, in_flight: int = 4
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._revision = revision
        self._session = _session(private_key, revision, in_flight)
        # a proxy is for the way out: it can't reach this machine's own loopback
        self._session.trust_env = urlsplit(self._api_url).hostname not in LOOPBACK
        self._threads = ThreadPoolExecutor(in_flight, thread_name_prefix="klaviyo")
        self._places = threading.BoundedSemaphore(in_flight)
        self._told: set[str] = set()

    def create_back_in_stock_subscription(
        self, body: Mapping[str, Any], *, deadline: Deadline
    ) -> Outcome:
        """Create Back In Stock Subscription: `POST /api/back-in-stock-subscriptions`.

        `body` is the JSON:API document of `build_calls()`. Never raises for what the network or
        Klaviyo did: that is in the outcome.
        """
        return self._post(Operation.BACK_IN_STOCK, body, deadline)

    def bulk_subscribe_profiles(self, body: Mapping[str, Any], *, deadline: Deadline) -> Outcome:
        """Subscribe Profiles: `POST /api/profile-subscription-bulk-create-jobs`.

        `body` is the JSON:API document of `build_calls()`. Never raises, as above.
        """
        return self._post(Operation.SUBSCRIBE, body, deadline)

    def get_list(self, list_id: str, *, deadline: Deadline) -> KlaviyoResponse:
        """Get List: `GET /api/lists/{id}`; the answer's `document` holds it. Needs `lists:read`."""
        return self._answer("GET", f"/api/lists/{quote(list_id, safe='')}", None, deadline)

    def update_catalog_variant(
        self, composite_id: str, body: Mapping[str, Any], *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Update Catalog Variant: `PATCH /api/catalog-variants/{id}`. Needs `catalogs:write`."""
        path = f"/api/catalog-variants/{quote(composite_id, safe='')}"
        return self._answer("PATCH", path, body, deadline)

    def create_catalog_variant(
        self, body: Mapping[str, Any], *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Create Catalog Variant: `POST /api/catalog-variants`; its item must be there."""
        return self._answer("POST", "/api/catalog-variants", body, deadline)

    def create_catalog_item(
        self, body: Mapping[str, Any], *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Create Catalog Item: `POST /api/catalog-items`."""
        return self._answer("POST", "/api/catalog-items", body, deadline)

    def get_accounts(self, *, deadline: Deadline) -> KlaviyoResponse:
        """Get Accounts: `GET /api/accounts`, which holds one. Needs `accounts:read`."""
        return self._page("accounts", {"fields[account]": "public_api_key"}, deadline)

    def get_metrics(self, cursor: str = "", *, deadline: Deadline) -> KlaviyoResponse:
        """Get Metrics: a page of `GET /api/metrics`. Needs `metrics:read`.

        `cursor` is the `page[cursor]` of the link to that page; without it, the first.
        """
        query = {"fields[metric]": "name"} | ({"page[cursor]": cursor} if cursor else {})
        return self._page("metrics", query, deadline)

    def get_flows_triggered_by_metric(
        self, metric_id: str, *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Get Flows Triggered by Metric: `GET /api/metrics/{id}/flow-triggers`. Needs `flows:read`
        and `metrics:read`.
        """
        query = {"fields[flow]": "name,status,archived"}
        return self._page(f"metrics/{quote(metric_id, safe='')}/flow-triggers", query, deadline)

    def get_catalog_variants(
        self, ids: Sequence[str], fields: Sequence[str] = ("external_id",), *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Get Catalog Variants: those of these composite IDs that there are, 100 at most, with
        these attributes. Needs `catalogs:read`.
        """
        query = {"fields[catalog-variant]": ",".join(fields), "filter": _any_of(ids)}
        return self._page("catalog-variants", query, deadline)

    def get_catalog_items(
        self, ids: Sequence[str], fields: Sequence[str] = ("external_id",), *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Get Catalog Items: those of these composite IDs that there are, 100 at most, with these
        attributes. Needs `catalogs:read`.
        """
        query = {"fields[catalog-item]": ",".join(fields), "filter": _any_of(ids)}
        return self._page("catalog-items", query, deadline)

    def _page(self, place: str, query: Mapping[str, str], deadline: Deadline) -> KlaviyoResponse:
        path = f"/api/{place}?{urlencode(query)}"
        return self._answer("GET", path, None, deadline, at_most=MAX_PAGE_BYTES)

    def spawn_catalog_job(
        self, kind: str, things: Sequence[Mapping[str, Any]], *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Bulk Create (or Update) Catalog Items (or Variants), 100 at most: the answer's `document`
        has the job. `kind` such as `catalog-item-bulk-create-job`. Needs `catalogs:write`.
        """
        name = "items" if "-item-" in kind else "variants"
        attributes = {name: {"data": list(things)}}
        body = {"data": {"type": kind, "attributes": attributes}}
        return self._answer("POST", f"/api/{kind}s", body, deadline, at_most=MAX_PAGE_BYTES)

    def get_catalog_job(self, kind: str, job_id: str, *, deadline: Deadline) -> KlaviyoResponse:
        """Get Bulk Create (or Update) Catalog Items (or Variants) Job. Needs `catalogs:read`."""
        return self._page(f"{kind}s/{quote(job_id, safe='')}", {}, deadline)

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """Send one call of `build_calls(sign_up, "api")` by the method of its operation."""
        method = {
            Operation.BACK_IN_STOCK: self.create_back_in_stock_subscription,
            Operation.SUBSCRIBE: self.bulk_subscribe_profiles,
        }[call.operation]
        return method(call.body, deadline=deadline)

    def _post(self, operation: Operation, body: Mapping[str, Any], deadline: Deadline) -> Outcome:
        answer = self._answer("POST", operation.path("api"), body, deadline)
        return outcome_of(answer, operation)

    def _answer(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        deadline: Deadline,
        *,
        at_most: int = MAX_BODY_BYTES,
    ) -> KlaviyoResponse:
        # the thread gives its place back, not the caller, who may have stopped waiting
        if not self._places.acquire(timeout=min(SLOT_TIMEOUT, deadline.remaining())):
            return KlaviyoResponse(None, problem=NO_FREE_SLOT)
        wait = _Wait()
        future: Future[KlaviyoResponse] = self._threads.submit(
            self._exchange, method, path, body, deadline, at_most, wait
        )
        future.add_done_callback(lambda _: self._places.release())
        try:
            answer = future.result(timeout=deadline.remaining())
        except TimeoutError:
            answer = KlaviyoResponse(None, problem="no answer within the deadline")
        finally:
            wait.end()
        self._tell_revision(answer)
        return answer

    def _exchange(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        deadline: Deadline,
        at_most: int,
        wait: _Wait,
    ) -> KlaviyoResponse:
        _thread.wait = wait
        seconds = deadline.remaining()
        if not seconds:
            return KlaviyoResponse(None, problem="the deadline passed before the call was made")
        try:
            with self._session.request(
                method,
                self._api_url + path,
                data=None if body is None else json.dumps(body).encode(),
                timeout=(min(CONNECT_TIMEOUT, seconds), seconds),
                stream=True,
                allow_redirects=False,
            ) as response:
                document = _document(_read(response, deadline, at_most))
                errors = error_objects(document)
                return KlaviyoResponse(
                    response.status_code, response.headers, errors, document=document
                )
        except Exception as error:
            # only the class: an exception's text may hold the address it was sent with
            return KlaviyoResponse(None, problem=f"no answer ({type(error).__name__})")
        finally:
            wait.done()

    def _tell_revision(self, answer: KlaviyoResponse) -> None:
        """Log once each what a reply says about the revision's age."""
        served = answer.headers.get("X-Klaviyo-Api-Revision", "")
        retires = answer.headers.get("X-Klaviyo-Api-Retirement-Date", "")
        if served and served != self._revision:
            self._tell(f"asked for revision {self._revision}, Klaviyo served {served}")
        if retires:
            self._tell(f"Klaviyo retires revision {self._revision} on {retires}")

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            logger.warning("%s: see KLAVIYO_REVISION", sentence)


def _session(private_key: str, revision: str, in_flight: int) -> requests.Session:
    session = requests.Session()
    session.auth = _KeyAuth(private_key)
    session.headers.update(
        {
            "revision": revision,
            "Content-Type": CONTENT_TYPE,
            "Accept": CONTENT_TYPE,
            "User-Agent": "restock-kit",
        }
    )
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(pool_connections=1, pool_maxsize=in_flight, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _read(response: requests.Response, deadline: Deadline, at_most: int) -> bytes:
    """A reply's body, as far as deadline and bound allow; nothing of a 202's, unless whoever
    waits for a page has asked for it.
    """
    if response.headers.get("Content-Length") == "0":
        response.content  # noqa: B018 - costs no wait, and gives the connection back
        return b""
    if response.status_code == ACCEPTED_STATUS and at_most <= MAX_BODY_BYTES:
        return b""
    body = b""
    try:
        while len(body) < at_most and deadline.remaining():
            # read1 gives what has come; a full read would sit out a dripping body
            chunk = response.raw.read1(4096, decode_content=True)
            if not chunk:
                break
            body += chunk
    except (urllib3.exceptions.HTTPError, OSError):
        pass  # the status is known, and decides without the body
    return body[:at_most]


def _any_of(ids: Sequence[str]) -> str:
    """Klaviyo's filter for a thing that has one of these IDs, each quoted as in JSON."""
    return f"any(ids,{json.dumps(list(ids), ensure_ascii=False)})"


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def error_objects(document: object) -> tuple[Mapping[str, Any], ...]:
    """The error objects of a JSON:API document; none where it isn't one."""
    errors = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(errors, list):
        return ()
    return tuple(error for error in errors if isinstance(error, dict))


_thread = threading.local()


class _Wait:
    """One call's wait for its answer, which the caller ends at the deadline."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._ended = False

    def on(self, connection: HTTPConnection) -> None:
        """Wait on this connection; raises `TimeoutError` when the wait has ended already."""
        with self._lock:
            if self._ended:
                raise TimeoutError
            self._socket = connection.sock

    def done(self) -> None:
        """Leave the connection to other calls."""
        with self._lock:
            self._socket = None

    def end(self) -> None:
        """Shut the connection's socket: the thread that waits gets an end of file, and is free."""
        with self._lock:
            self._ended = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _thread.wait.on(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        # one that is used again doesn't connect
        _thread.wait.on(self)
        super().request(*args, **kwargs)


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """An adapter whose connections a `_Wait` can end. requests' own read timeout starts anew with
    each byte, so that headers that drip in would occupy a thread for as long as they like.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
