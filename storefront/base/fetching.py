"""Downloads a picture from an untrusted URL, such as one in an imported file.

Downloads from private networks are prevented: the host is resolved here, its IP addresses are
checked, and the connection is made to a checked address.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import IPPROTO_TCP, SHUT_RDWR, gaierror, getaddrinfo
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

MAX_BYTES = 20 * 1024 * 1024
MAX_REDIRECTS = 4
MAX_ADDRESSES = 4
"""The number of a host's IP addresses that are tried, one after another."""
IDLE_TIMEOUT = 5.0
"""The longest wait for a connection or for more bytes, in seconds."""
TOTAL_SECONDS = 20.0
"""The time limit for one URL, from the connection to the last byte."""
HEADERS = {
    "Accept": "image/avif,image/webp,image/*",
    "Accept-Encoding": "identity",
    "User-Agent": "RestockKit (import)",
}
NAT64 = ip_network("64:ff9b::/96")
IPV4_COMPATIBLE = ip_network("::/96")
"""IPv6 addresses that contain an IPv4 address, an obsolete form that no public server uses."""
_TLS = ssl.create_default_context(cafile=certifi.where())


class Unavailable(Exception):
    """The picture can't be downloaded. The message is the reason, worded to follow a number or
    `is`, as in `3 not found`.
    """


class Unreachable(Unavailable):
    """The picture's server doesn't respond, so other pictures on it may also be unavailable."""


def fetch(url: str, *, allow_private: bool = False) -> bytes:
    """Return the content at `url`, following up to `MAX_REDIRECTS` redirects.

    Raises `Unavailable`, also for hosts on private networks unless `allow_private` is set.
    """
    for _ in range(MAX_REDIRECTS + 1):
        with _response(url, allow_private=allow_private) as response:
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                return _content(response)
        try:
            url = urljoin(url, location)
        except ValueError:
            raise Unavailable("redirected to an invalid URL") from None
    raise Unavailable("redirected too many times")


def _content(response: BaseHTTPResponse) -> bytes:
    if response.status in (404, 410):
        raise Unavailable("not found")
    if response.status != 200:
        raise Unavailable(f"unavailable (status {response.status})")
    chunks, size = [], 0
    while chunk := response.read(64 * 1024):
        size += len(chunk)
        if size > MAX_BYTES:
            raise Unavailable(f"larger than {MAX_BYTES // 1024**2} MB")
        chunks.append(chunk)
    return b"".join(chunks)


@contextmanager
def _response(url: str, *, allow_private: bool) -> Iterator[BaseHTTPResponse]:
    """Yield the response to a GET request, which may take `TOTAL_SECONDS` at most."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}[parts.scheme]
        host = (parts.hostname or "").encode("idna").decode()
    except (KeyError, ValueError):
        raise Unavailable("at an invalid URL") from None
    connection = _connect(parts.scheme, host, port, allow_private=allow_private)
    # a read timeout alone would allow a server to send one byte at a time forever
    timer = threading.Timer(TOTAL_SECONDS, _shut_down, [connection])
    timer.start()
    try:
        headers = HEADERS | {"Host": f"[{host}]" if ":" in host else host}
        if parts.port:
            headers["Host"] += f":{port}"
        connection.request("GET", _target(parts), headers=headers, preload_content=False)
        response = connection.getresponse()
        try:
            yield response
        finally:
            response.close()
    except (OSError, HTTPError, HTTPException, ValueError):
        raise Unreachable("on a server that doesn't respond") from None
    finally:
        timer.cancel()
        connection.close()


def _target(parts: SplitResult) -> str:
    safe = "/%:@!$&'()*+,;=~-._"
    query = f"?{quote(parts.query, safe=safe + '?')}" if parts.query else ""
    return (quote(parts.path, safe=safe) or "/") + query


def _connect(scheme: str, host: str, port: int, *, allow_private: bool) -> HTTPConnection:
    for address in _addresses(host, port, allow_private=allow_private)[:MAX_ADDRESSES]:
        connection = (
            HTTPSConnection(
                address,
                port,
                timeout=IDLE_TIMEOUT,
                ssl_context=_TLS,
                server_hostname=host,
                assert_hostname=host,
            )
            if scheme == "https"
            else HTTPConnection(address, port, timeout=IDLE_TIMEOUT)
        )
        try:
            connection.connect()
        except (OSError, HTTPError, ValueError):
            # ValueError: a certificate for another host
            connection.close()
        else:
            return connection
    raise Unreachable("on a server that doesn't respond")


def _addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host; raises `Unavailable` if one of them is private."""
    try:
        entries = getaddrinfo(host, port, proto=IPPROTO_TCP)
    except (gaierror, UnicodeError):
        raise Unreachable("on a server that doesn't respond") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    if not allow_private and not all(_is_public(ip_address(a.split("%")[0])) for a in addresses):
        raise Unavailable("on a private network")
    return addresses


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.is_site_local or address in IPV4_COMPATIBLE:
            return False
        # forms of IPv6 addresses that contain an IPv4 address
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner or address.teredo:
            return inner is not None and _is_public(inner)
    return address.is_global and not address.is_multicast


def _shut_down(connection: HTTPConnection) -> None:
    with suppress(OSError):
        if connection.sock:
            connection.sock.shutdown(SHUT_RDWR)
