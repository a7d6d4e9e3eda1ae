"""The checks that every call must pass before its operation runs."""

import hmac
import json
from typing import Any

from ..operations.operation import Call, Operation, Side
from ..protocol import revisions, spec
from ..protocol.errors import MEDIA_TYPE, Refusal, error, invalid
from ..state.account import PRIVATE_PREFIX

_SCHEME = "Klaviyo-API-Key"
_BODY_TYPES = (MEDIA_TYPE, "application/json")


def check(call: Call, *, count: bool = True) -> Operation:
    """Check a call, and return its operation, which may then run.

    With `count`, the call counts against the rate limits. Raises `Refusal` at the first check that
    fails.
    """
    if call.request.method not in call.methods:
        allowed = ", ".join(call.methods)
        detail = f"The method {call.request.method} is not allowed here, only {allowed}."
        raise Refusal(error(405, detail), headers={"Allow": allowed})
    operation = call.checked_operation
    if call.side is Side.SERVER:
        _check_private_key(call)
        _check_scopes(call, operation)
    else:
        _refuse_private_key(call)
        if call.request.args.get("company_id", "") != call.sandbox.account.public_key:
            raise Refusal(invalid("company_id must be the account's public key.", "/data"))
    if count:
        now = call.sandbox.now().timestamp()
        headers = call.sandbox.limiter.count(operation.name, operation.limit, now)
        if call.side is Side.SERVER:
            call.headers |= headers
    call.revision = revisions.resolve(call.request.headers, call.sandbox.now().date())
    call.headers |= call.revision.headers()
    if operation.has_body:
        _read_body(call)
        if errors := spec.body_errors(operation.path, operation.method, call.body):
            raise Refusal(*errors)
    operation.check(call)
    return operation


def _check_private_key(call: Call) -> None:
    account = call.sandbox.account
    scheme, _, key = call.request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        problem = "The Authorization header is missing."
    elif scheme != _SCHEME:
        problem = f"Authorization must be '{_SCHEME} your-private-key'."
    elif key == account.public_key:
        problem = "This is the public key. The API needs a private key."
    elif not hmac.compare_digest(key.encode(), account.private_key.encode()):
        problem = "The private key does not belong to this account."
    else:
        return
    raise Refusal(error(401, problem))


def _check_scopes(call: Call, operation: Operation) -> None:
    with call.sandbox.lock:
        scopes = call.sandbox.settings.scopes
    if scopes is None:
        return
    if missing := [scope for scope in operation.scopes if scope not in scopes]:
        detail = f"Your API key is missing required scopes: {', '.join(missing)}."
        raise Refusal(error(403, detail))


def _refuse_private_key(call: Call) -> None:
    """Refuse a browser's call that contains a private key, which every visitor could read.

    Any Authorization header counts as a private key.
    """
    request, mask = call.request, call.sandbox.mask
    query = request.args
    contains_key = {
        "the Authorization header": "Authorization" in request.headers,
        "company_id": query.get("company_id", "").startswith(PRIVATE_PREFIX),
        "the URL": any(map(mask.contains_key, query.values())),
        "the body": mask.contains_key(call.raw.decode("utf-8", "replace")),
        "a header": any(map(mask.contains_key, request.headers.values())),
    }
    places = [place for place, contained in contains_key.items() if contained]
    if places:
        call.leak = True
        detail = (
            f"A browser must never send a private key, and this one was sent in {places[0]}. "
            "Every visitor can read it: revoke the key, and use the public key in the browser."
        )
        raise Refusal(invalid(detail, "/data"))


def _read_body(call: Call) -> None:
    if call.request.mimetype not in _BODY_TYPES:
        raise Refusal(error(415, f"The Content-Type must be {' or '.join(_BODY_TYPES)}."))
    try:
        call.body = parse_json(call.raw)
    except ValueError as problem:
        # An empty pointer, since /data would mean an invalid company ID.
        raise Refusal(invalid(f"The body is not valid JSON: {problem}.", "")) from None


def parse_json(raw: bytes) -> Any:
    """Return the value of a JSON document.

    Raises `ValueError` for syntax that RFC 8259 doesn't allow, and for unpaired surrogates, which
    a UTF-8 reply couldn't contain.
    """
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise ValueError("its text is not UTF-8") from None
    except json.JSONDecodeError as problem:
        raise ValueError(f"{problem.msg.lower()}, line {problem.lineno}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
