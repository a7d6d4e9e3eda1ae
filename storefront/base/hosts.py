"""The shop's Flask class: the host name in absolute URLs, and sessions."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.routing import MapAdapter

logger = logging.getLogger(__name__)


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions, but faster: without a session cookie, there is no signature to check."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of the cookie, or an empty one."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


class Shop(Flask):
    """A Flask app whose absolute URLs and redirects begin with `SHOP_URL`, if that is set.

    Anyone can send any `Host` header. If links were built from that header, a cache in front of the
    shop could serve links to an attacker's host.
    """

    session_interface = Sessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return the object that matches and builds URLs. An invalid `Host` results in a 400."""
        try:
            adapter = super().create_url_adapter(request)
            # Werkzeug reads a host with invalid characters as an empty one
            is_valid = request is None or bool(request.host) or not request.headers.get("Host")
        except HTTPException:
            is_valid = False
        if request is not None and not is_valid:
            logger.warning("refused a request with an invalid Host header")
            request.routing_exception = BadRequest()
            # the error page needs an adapter for its links; this one matches "/", so that the
            # response stays a 400 instead of becoming a 404
            adapter = self.url_map.bind("localhost", url_scheme=request.scheme)
        if adapter is not None and (url := self.config.get("SHOP_URL")):
            shop = urlsplit(url)
            adapter.server_name, adapter.url_scheme = shop.netloc, shop.scheme
        return adapter
