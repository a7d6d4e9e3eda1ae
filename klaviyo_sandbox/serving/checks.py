"""What every call must pass before its operation looks at it, in this order."""

import hmac
import json
from typing import Any

from ..operations.operation import Call, Operation, Side
from ..protocol import revisions, spec
from ..protocol.errors import (
    MEDIA_TYPE,
    Refusal,
    invalid,
    method_not_allowed,
    not_authenticated,
    permission_denied,
    unsupported_media_type,
)
from ..state.account import PRIVATE_PREFIX

_SCHEME = "Klaviyo-API-Key"


def pass_all(call: Call, *, count: bool = True) -> Operation:
    """Return the operation that may now act.

    With `count` the call counts against the rate limits. Raises `Refusal`, of the first check
    that fails.
    """
    operation = _known_method(call)
    if call.side is Side.SERVER:
        _private_key(call)
        _scopes(call, operation)
    else:
        _no_private_key(call)
        _company(call)
    if count:
        _limits(call, operation)
    call.revision = revisions.resolve(call.request.headers, call.sandbox.now().date())
    call.headers |= call.revision.headers()
    if spec.takes_body(operation.path, operation.method):
        _json_body(call)
        if faults := spec.faults_in(operation.path, operation.method, call.body):
            raise Refusal(*faults)
    operation.check(call)
    return operation


def _known_method(call: Call) -> Operation:
    if call.operation is None:
        allowed = ", ".join(call.methods)
        detail = f"The method {call.request.method} is not allowed here, only {allowed}."
        raise Refusal(method_not_allowed(detail), headers={"Allow": allowed})
    return call.operation


def _private_key(call: Call) -> None:
    scheme, _, key = call.request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        raise Refusal(not_authenticated("The Authorization header is missing."))
    if scheme != _SCHEME:
        raise Refusal(not_authenticated(f"Authorization must be '{_SCHEME} your-private-key'."))
    if key == call.sandbox.account.public_key:
        raise Refusal(not_authenticated("This is the public key. The API needs a private one."))
    if not hmac.compare_digest(key.encode(), call.sandbox.account.private_key.encode()):
        raise Refusal(not_authenticated("The private key is not one of this account's."))


def _scopes(call: Call, operation: Operation) -> None:
    with call.sandbox.lock:
        missing = call.sandbox.account_settings.missing(operation.scopes)
    if missing:
        detail = f"Your API key is missing required scopes: {', '.join(missing)}."
        raise Refusal(permission_denied(detail))


def _no_private_key(call: Call) -> None:
    """Refuse a call that carries a private key to where anybody can read it."""
    request, mask = call.request, call.sandbox.mask
    query = request.args
    carriers = {
        "the Authorization header": "Authorization" in request.headers,
        "company_id": query.get("company_id", "").startswith(PRIVATE_PREFIX),
        "the address": any(map(mask.holds_key, query.values())),
        "the body": mask.holds_key(call.raw.decode("utf-8", "replace")),
        "a header": any(map(mask.holds_key, request.headers.values())),
    }
    found = next((carrier for carrier, holds in carriers.items() if holds), None)
    if found:
        call.leak = True
        detail = (
            f"A private key must never be in a browser, and {found} holds one or is made for "
            "one. Whoever opens the page can read it: revoke it and send the public key alone."
        )
        raise Refusal(invalid(detail, "/data"))


def _company(call: Call) -> None:
    company = call.request.args.get("company_id", "")
    if company != call.sandbox.account.public_key:
        detail = "company_id must be the account's public key."
        raise Refusal(invalid(detail, "/data"))


def _limits(call: Call, operation: Operation) -> None:
    now = call.sandbox.now().timestamp()
    headers = call.sandbox.limiter.take(operation.name, operation.limit, now)
    if call.side is Side.SERVER:
        call.headers |= headers


def _json_body(call: Call) -> None:
    if call.request.mimetype != MEDIA_TYPE:
        raise Refusal(unsupported_media_type(f"The Content-Type must be {MEDIA_TYPE}."))
    try:
        call.body = parse_json(call.raw)
    except ValueError as error:
        # not /data, which would say that the company ID is wrong
        raise Refusal(invalid(f"The body is not valid JSON: {error}.", "")) from None


def parse_json(raw: bytes) -> Any:
    """Return the value of a JSON document.

    Raises `ValueError` for what RFC 8259 doesn't allow, and for half a surrogate pair, which no
    UTF-8 reply could repeat.
    """
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise ValueError("its text is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg.lower()}, line {error.lineno}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
