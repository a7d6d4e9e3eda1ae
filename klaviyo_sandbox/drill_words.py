"""The drills in words, for whoever chooses one: what each does, and where it belongs."""

from collections.abc import Mapping

REFUSED, TROUBLE, WIRE = "Klaviyo refuses the call", "Klaviyo is in trouble", "Trouble on the way"

WORDS: Mapping[str, tuple[str, str]] = {
    "400-email": (REFUSED, "400, the email address is not valid"),
    "400-phone": (REFUSED, "400, the phone number is not valid"),
    "400-unknown-pointer": (REFUSED, "400, something else in the body is not valid"),
    "400-list": (REFUSED, "400, there is no such list"),
    "401": (REFUSED, "401, the private key is wrong"),
    "403": (REFUSED, "403, the private key lacks a scope"),
    "404-variant": (REFUSED, "404, there is no such variant"),
    "404-revision": (REFUSED, "404, the revision is not served"),
    "405": (REFUSED, "405, the method is wrong"),
    "409": (REFUSED, "409, it is there already"),
    "410": (REFUSED, "410, the revision is retired"),
    "415": (REFUSED, "415, the Content-Type is wrong"),
    "partial": (REFUSED, "202, but the phone number is dropped"),
    "429": (TROUBLE, "429, too many calls"),
    "500": (TROUBLE, "500, a server error"),
    "503": (TROUBLE, "503, not available just now"),
    "html": (TROUBLE, "502, a gateway's HTML page"),
    "slow": (WIRE, "slow: the reply is held back"),
    "drip": (WIRE, "dripping: the body comes byte by byte"),
    "drip-headers": (WIRE, "dripping: headers and body come byte by byte"),
    "drop": (WIRE, "cut: the connection ends without a reply"),
    "cors": (WIRE, "barred: the browser's preflight is refused"),
}
"""For each kind its group and its label."""


def groups() -> dict[str, dict[str, str]]:
    """Return the labels by kind, by group, in the order in which they are offered."""
    found: dict[str, dict[str, str]] = {}
    for kind, (group, label) in WORDS.items():
        found.setdefault(group, {})[kind] = label
    return found
