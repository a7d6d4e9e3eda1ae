"""Likely typos in the domain of an email address, such as `gmial.com` and `.con`.

The kit only suggests a correction, because a rare domain may be right. It uses no library for this:
those on PyPI are unmaintained, or download the list of public suffixes.
"""

from __future__ import annotations

from difflib import get_close_matches

from .contacts import readable_address

_WORLDWIDE = ("gmail.com", "googlemail.com", "icloud.com")
"""Domains of providers without country-specific domains, so `gmail.co.uk` must be a typo."""
_REGIONAL = ("yahoo", "hotmail", "outlook", "live", "aol", "gmx", "msn")
"""Providers with domains in many countries. Since most endings may be right, only a mistyped `.com`
and the endings in `_TOP_LEVEL_TYPOS` are corrected.
"""
_COMMON = (
    *_WORLDWIDE,
    *(f"{name}.com" for name in ("yahoo", "hotmail", "outlook", "aol", "protonmail", "fastmail")),
    *(f"{name}.co.uk" for name in ("yahoo", "hotmail")),
    *(f"{name}.de" for name in ("yahoo", "hotmail", "outlook", "freenet")),
    *(f"{name}.es" for name in ("yahoo", "hotmail", "outlook")),
    *(f"{name}.fr" for name in ("yahoo", "hotmail", "outlook", "orange", "wanadoo")),
    *(f"{name}.it" for name in ("yahoo", "hotmail", "outlook", "libero")),
    *("comcast.net", "verizon.net", "sbcglobal.net", "bellsouth.net", "laposte.net"),
    *("btinternet.com", "virginmedia.com", "rocketmail.com", "rediffmail.com", "proton.me"),
)
"""The domains to suggest if the one entered is similar. Shorter domains are left out, because they
resemble too many others.
"""
_NOT_TYPOS = ("mail.com", "mailo.com", "email.com", "ymail.com", "myyahoo.com", "protonmail.ch")
"""Domains that exist although they resemble a common one."""
_SIMILARITY = 0.88
"""The minimum similarity of a typo to the right domain, from 0 to 1. For `gmial.com` and
`gmail.com`, it is 0.89.
"""
_TOP_LEVEL_TYPOS = {
    typo: right
    for right, typos in {
        "com": "cim cmo cok comm comn con conm coom cpm c0m ocm vom xom",
        "net": "ent het nett nrt nt nte met ner",
        "org": "og ofg ogr or orf orgg prg rog",
        "de": "dee ed",
        "fr": "fe frr ft",
        "co.uk": "couk",
    }.items()
    for typo in typos.split()
}
"""Frequent typos in a top-level domain, and the right one. None of the typos is a top-level
domain.
"""


def suggested_address(address: str) -> str | None:
    """Return the address that the shopper may have meant, or None if `address` looks right."""
    local_part, _, domain = readable_address(address).rpartition("@")
    suggestion = _suggested_domain(domain)
    return None if suggestion == domain else f"{local_part}@{suggestion}"


def _suggested_domain(domain: str) -> str:
    rest, _, top_level = domain.rpartition(".")
    domain = f"{rest}.{_TOP_LEVEL_TYPOS.get(top_level, top_level)}"
    if domain in (*_COMMON, *_NOT_TYPOS):
        return domain
    name, _, ending = domain.partition(".")
    if name in _REGIONAL:
        return f"{name}.com" if ending in ("co", "cm", "om") else domain
    if f"{name}.com" in _WORLDWIDE:
        return f"{name}.com"
    return (*get_close_matches(domain, _COMMON, n=1, cutoff=_SIMILARITY), domain)[0]
