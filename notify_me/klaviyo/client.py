"""Klaviyo's server-side API over HTTP: one session, and a deadline for every call."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from ..variants import CompositeID
from .calls import Call
from .outcomes import (
    PLACEHOLDER_REMEDY,
    UNAVAILABLE,
    DeadLetter,
    KlaviyoResponse,
    Outcome,
    outcome_of,
)

if TYPE_CHECKING:
    import requests

logger = logging.getLogger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Host names of this machine."""
REVISION = "2026-10-15"
"""The API revision that this kit was written for: the default of `KLAVIYO_REVISION`."""
CONTENT_TYPE = "application/vnd.api+json"
SLOT_TIMEOUT = 0.05
"""Seconds to wait for one of the `in_flight` slots; short, because a shopper is waiting."""
CONNECT_TIMEOUT = 2.0
"""Seconds to open a connection."""
NO_FREE_SLOT = "too many calls to Klaviyo at once"
"""The `problem` of a call that was not made because no slot became free."""
MAX_BODY_BYTES = 64 * 1024
"""How much of a response's body is read: Klaviyo's errors are smaller than 1 kB."""
MAX_LIST_BYTES = 2 * 1024 * 1024
"""How much of the body is read for GET requests and bulk jobs, whose responses may be lists of
resources. A hundred variants with their links are about 100 kB.
"""
FIRST_RETRY_PAUSE = 0.5
"""The pause before the second attempt, in seconds, unless Klaviyo asks for a different one."""
MAX_RETRY_PAUSE = 30.0
"""The longest pause between attempts, in seconds, unless Klaviyo asks for a longer one."""
MAX_IDS = 100
"""The maximum number of IDs in one read of the catalog: Klaviyo's maximum page size."""
MAX_IDS_LENGTH = 6000
"""The maximum length of these IDs in a URL, in characters. Many servers limit URLs to 8 kB."""

T = TypeVar("T")
CatalogKind = Literal["item", "variant"]
"""The kinds of resources in Klaviyo's catalog that the kit uses: a product is an item, and has
variants.
"""
BrandPart = Literal["button", "color", "logo", "email-default"]
"""The kinds of resources that make up a brand."""


def is_stand_in(api_url: str) -> bool:
    """Return whether an API's URL is on this machine, and therefore not Klaviyo's own."""
    return urlsplit(api_url).hostname in LOOPBACK


class Deadline:
    """A point in time, given in seconds from now, that several calls can share."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, at least zero."""
        return max(0.0, self._end - time.monotonic())


class Klaviyo:
    """Klaviyo's server-side API for one account.

    At most `in_flight` callers of this object wait for a response at once, so that slow responses
    don't block all threads of a web process. No method raises an exception for a network error or
    an error response: the returned response or outcome describes it.
    """

    def __init__(
        self, *, api_url: str, private_key: str, revision: str = REVISION, in_flight: int = 4
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._revision = revision
        self._session = _session(private_key, revision, in_flight)
        # a proxy in the environment can't reach this machine's loopback addresses
        self._session.trust_env = not is_stand_in(self._api_url)
        self._slots = threading.BoundedSemaphore(in_flight)
        self._logged: set[str] = set()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def may_send(self, variant: CompositeID) -> bool:
        """Return whether a variant's ID may be sent. A placeholder is sent only to a stand-in."""
        return not variant.is_placeholder or is_stand_in(self._api_url)

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """Send one of the calls built by `build_calls(sign_up, "api")`.

        Create Back In Stock Subscription: `POST /api/back-in-stock-subscriptions`.
        Subscribe Profiles: `POST /api/profile-subscription-bulk-create-jobs`.
        A call whose variant has a placeholder ID is not sent to Klaviyo: the outcome is
        `DeadLetter`.
        """
        if call.variant and not self.may_send(call.variant):
            return DeadLetter(KlaviyoResponse(None), UNAVAILABLE, PLACEHOLDER_REMEDY)
        path = call.operation.path("api")
        response = self._request("POST", path, call.body, deadline)
        return outcome_of(response, call.operation, channels=call.channels)

    def get_accounts(self, *, deadline: Deadline) -> KlaviyoResponse:
        """Get Accounts: `GET /api/accounts`, a list of one account. Needs `accounts:read`."""
        return self._get("accounts", {"fields[account]": "public_api_key"}, deadline)

    def get_list(self, list_id: str, *, deadline: Deadline) -> KlaviyoResponse:
        """Get List: `GET /api/lists/{id}`. Needs `lists:read`."""
        return self._get(f"lists/{quote(list_id, safe='')}", {}, deadline)

    def get_metrics(self, cursor: str = "", *, deadline: Deadline) -> KlaviyoResponse:
        """Get Metrics: one page of `GET /api/metrics`. Needs `metrics:read`.

        `cursor` is the `page[cursor]` of the previous page's link; empty for the first page.
        """
        query = {"fields[metric]": "name"} | ({"page[cursor]": cursor} if cursor else {})
        return self._get("metrics", query, deadline)

    def get_flows_triggered_by_metric(
        self, metric_id: str, *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Get Flows Triggered by Metric: `GET /api/metrics/{id}/flow-triggers`. Needs `flows:read`
        and `metrics:read`.
        """
        query = {"fields[flow]": "name,status,archived"}
        return self._get(f"metrics/{quote(metric_id, safe='')}/flow-triggers", query, deadline)

    def get_brand(self, part: BrandPart, *, deadline: Deadline) -> KlaviyoResponse:
        """Get Brand Buttons, Colors, Logos (with their images) or Email Defaults:
        `GET /api/brand-buttons` and so on. Needs `brands:read`.
        """
        return self._get(f"brand-{part}s", {"include": "image"} if part == "logo" else {}, deadline)

    def get_catalog(
        self,
        kind: CatalogKind,
        ids: Sequence[str],
        fields: Sequence[str] = ("external_id",),
        *,
        deadline: Deadline,
    ) -> KlaviyoResponse:
        """Get Catalog Items (or Variants) by their composite IDs, with the attributes in `fields`.
        The response leaves out IDs that don't exist. Needs `catalogs:read`.

        `batches_by_id` splits IDs into lists that fit into one call.
        """
        query = {
            f"fields[catalog-{kind}]": ",".join(fields),
            "filter": f"any(ids,{json.dumps(list(ids), ensure_ascii=False)})",
        }
        return self._get(f"catalog-{kind}s", query, deadline)

    def create_in_catalog(
        self, kind: CatalogKind, body: Mapping[str, Any], *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Create Catalog Item (or Variant, whose item must exist): `POST /api/catalog-items` (or
        `catalog-variants`). Needs `catalogs:write`.
        """
        return self._request("POST", f"/api/catalog-{kind}s", body, deadline)

    def update_catalog_variant(
        self, composite_id: str, body: Mapping[str, Any], *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Update Catalog Variant: `PATCH /api/catalog-variants/{id}`. Needs `catalogs:write`."""
        path = f"/api/catalog-variants/{quote(composite_id, safe='')}"
        return self._request("PATCH", path, body, deadline)

    def spawn_catalog_job(
        self, job_type: str, resources: Sequence[Mapping[str, Any]], *, deadline: Deadline
    ) -> KlaviyoResponse:
        """Bulk Create (or Update) Catalog Items (or Variants), 100 at most. `job_type` is a type
        such as `catalog-item-bulk-create-job`. Needs `catalogs:write`.
        """
        name = "items" if "-item-" in job_type else "variants"
        body = {"data": {"type": job_type, "attributes": {name: {"data": list(resources)}}}}
        return self._request("POST", f"/api/{job_type}s", body, deadline, MAX_LIST_BYTES)

    def get_catalog_job(self, job_type: str, job_id: str, *, deadline: Deadline) -> KlaviyoResponse:
        """Get Bulk Create (or Update) Catalog Items (or Variants) Job. Needs `catalogs:read`."""
        return self._get(f"{job_type}s/{quote(job_id, safe='')}", {}, deadline)

    def _get(self, path: str, query: Mapping[str, str], deadline: Deadline) -> KlaviyoResponse:
        url = f"/api/{path}?{urlencode(query)}" if query else f"/api/{path}"
        return self._request("GET", url, None, deadline, MAX_LIST_BYTES)

    def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        deadline: Deadline,
        max_bytes: int = MAX_BODY_BYTES,
    ) -> KlaviyoResponse:
        """Make a call in its own thread, and stop waiting for it at the deadline.

        The timeouts of the `requests` library limit only the wait for the next bytes, so a response
        whose headers trickle in could block the caller much longer. In that case, the thread keeps
        running in the background until the connection ends.
        """
        if not self._slots.acquire(timeout=min(SLOT_TIMEOUT, deadline.remaining())):
            return KlaviyoResponse(None, problem=NO_FREE_SLOT)
        future: Future[KlaviyoResponse] = Future()

        def exchange() -> None:
            future.set_result(self._exchange(method, path, body, deadline, max_bytes))

        try:
            threading.Thread(target=exchange, name="klaviyo", daemon=True).start()
            response = future.result(timeout=deadline.remaining())
        except TimeoutError:
            response = KlaviyoResponse(None, problem="no response within the deadline")
        except RuntimeError:
            response = KlaviyoResponse(None, problem="the system can't start another thread")
        finally:
            self._slots.release()
        self._log_revision(response)
        return response

    def _exchange(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        deadline: Deadline,
        max_bytes: int,
    ) -> KlaviyoResponse:
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
                document = _decode(_read(response, deadline, max_bytes))
                return KlaviyoResponse(response.status_code, response.headers, document)
        except Exception as error:
            # only the class: the text of an exception may contain the URL and the request body
            return KlaviyoResponse(None, problem=f"no response ({type(error).__name__})")

    def _log_revision(self, response: KlaviyoResponse) -> None:
        """Log once if Klaviyo served a different API revision, and once if it will retire the one
        that it served.
        """
        served = response.headers.get("X-Klaviyo-Api-Revision", "")
        retired_on = response.headers.get("X-Klaviyo-Api-Retirement-Date", "")
        messages = []
        if served and served != self._revision:
            messages.append(f"Klaviyo served API revision {served} instead of {self._revision}")
        if retired_on:
            revision = served or self._revision
            messages.append(f"Klaviyo retires API revision {revision} on {retired_on}")
        for message in messages:
            if message not in self._logged:
                self._logged.add(message)
                logger.warning("%s: check KLAVIYO_REVISION", message)


def send_with_retries(
    send: Callable[[], KlaviyoResponse],
    *,
    attempts: int,
    should_retry: Callable[[KlaviyoResponse], bool] = lambda response: (
        response.is_temporary_failure
    ),
    max_wait: float = float("inf"),
    wait: Callable[[float], None] = time.sleep,
) -> KlaviyoResponse:
    """Send a call up to `attempts` times, as long as `should_retry` is true for the response.

    The pause between attempts is what Klaviyo asks for in `Retry-After`; otherwise it starts at
    `FIRST_RETRY_PAUSE` and doubles. If it would be longer than `max_wait` seconds, there is no
    retry.
    """
    pause = FIRST_RETRY_PAUSE
    for remaining in reversed(range(attempts)):
        response = send()
        seconds = pause if response.retry_after is None else response.retry_after
        if not remaining or not should_retry(response) or seconds > max_wait:
            break
        wait(seconds)
        pause = min(pause * 2, MAX_RETRY_PAUSE)
    return response


def batches_by_id(items: Iterable[T], id_of: Callable[[T], str]) -> Iterator[list[T]]:
    """Split items into batches whose composite IDs fit into one `get_catalog` call."""
    batch: list[T] = []
    length = 0
    for item in items:
        # the ID with its quotation marks and comma, percent-encoded
        item_length = len(quote(id_of(item), safe="")) + len("%22%22%2C")
        if batch and (len(batch) == MAX_IDS or length + item_length > MAX_IDS_LENGTH):
            yield batch
            batch, length = [], 0
        batch.append(item)
        length += item_length
    if batch:
        yield batch


class _KeyAuth:
    """Adds the private key. If it were only a header of the session, `.netrc` could override it."""

    def __init__(self, private_key: str) -> None:
        self._private_key = private_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Klaviyo-API-Key {self._private_key}"
        return request


def _session(private_key: str, revision: str, in_flight: int) -> requests.Session:
    # imported here, because the import is slow, and most commands and tests don't call Klaviyo
    import requests
    from requests.adapters import HTTPAdapter

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
    # a cookie would link one shopper's calls to another's
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=in_flight, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _read(response: requests.Response, deadline: Deadline, max_bytes: int) -> bytes:
    """Read the body as far as the deadline and the limit allow."""
    from urllib3.exceptions import HTTPError

    body = b""
    # a response is useful even without its body, for the status
    with suppress(HTTPError, OSError):
        while len(body) < max_bytes and deadline.remaining():
            # read1 returns what has arrived; read would wait for the whole body, however slow it is
            chunk = response.raw.read1(4096, decode_content=True)
            if not chunk:
                break
            body += chunk
    return body[:max_bytes]


def _decode(body: bytes) -> Any:
    try:
        document = json.loads(body)
        # raises an error for half of a surrogate pair, which can neither be printed nor sent
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return document
