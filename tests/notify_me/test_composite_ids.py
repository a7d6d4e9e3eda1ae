"""Composite IDs: unusual IDs reach Klaviyo unchanged, and invalid IDs are explained."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

import pytest
import requests
from flask import Flask, render_template_string

from notify_me import CompositeID
from tests.notify_me.markup import post_form, read
from tests.notify_me.small_shop import DictCatalog
from tests.support import TIMEOUT, Sandbox, serve

PRESTASHOP = "https%253A%252F%252Fshop.example.org%252F"
IDS = [
    ("$custom", "$default", "PARKA-M"),
    ("$shopify", "$default", "40212871872673"),
    ("$bigcommerce", "$default", "384"),
    ("$magento_two", "1-1", "2047"),
    ("$square", "$default", "VKXJ7ZQ2N4B5TQXIXZ2HTUL3"),
    ("$wix", "$default", "00000000-0000-0000-0000-000000000001"),
    ("$prestashop", PRESTASHOP, "12-34"),
    ("salesforce commerce/cloud", "RefArch EU", "701642811398M"),
    ("static", "notify-me.css", "x"),
    *(
        ("$custom", "$default", external_id)
        for external_id in (
            "parka/M",
            "parka//M",
            "a///b////c",
            "/parka",
            "parka/",
            "parka//",
            "a:::b",
            ":a",
            "parka size M",
            " parka ",
            "100%",
            "a%2Fb%20c%25",
            "what?choose=1",
            "#1",
            "salt&pepper=1&amp;x",
            "1+1",
            '10" mug',
            "baker's",
            "<b>M</b>",
            "{{ 7*7 }}",
            "a\\b",
            "a;v=1,2",
            "größe-é",
            "e\u0301",
            "מידה",
            "🧥-👩\u200d🌾",
            ".",
            "..",
            "a/../b",
            "a/..",
            "a/./b",
            "x" * 479,
        )
    ),
]


def test_unusual_ids_reach_klaviyo_unchanged(
    make_app: Callable[..., Flask], catalog: DictCatalog, sandbox: Sandbox
) -> None:
    """The form opens and can be submitted from the button's link and from `CompositeID.path`."""
    app = make_app(RATELIMIT_ENABLED=False)
    with serve(app) as url, requests.Session() as browser:
        browser.trust_env = False
        for number, parts in enumerate(IDS):
            composite_id = CompositeID(*parts)
            variant = catalog.add(f"odd-{number}", "Odd", "odd", 0, composite_id=composite_id)
            with app.test_request_context():
                button = render_template_string("{{ notify_me(variant) }}", variant=variant)
            for link in (f"/notify-me/{composite_id.path}", read(button).one("a")["href"]):
                page = browser.get(urljoin(url, link), timeout=TIMEOUT)
                assert page.status_code == 200, parts
                form = post_form(read(page.text))
                data = form.form_data(email=f"ada{number}@example.org")
                done = browser.post(urljoin(page.url, form["action"]), data=data, timeout=TIMEOUT)
                assert "on the list" in done.text, parts

    assert [profile["variant"] for profile in sandbox.waiting()] == [":::".join(p) for p in IDS]
    assert len(sandbox.requests()) == 2 * len(IDS)


def test_parse_splits_at_the_first_two_separators() -> None:
    parsed = CompositeID.parse("$custom:::$default:::a:::b")

    assert parsed == CompositeID("$custom", "$default", "a:::b")


def test_path_is_one_segment() -> None:
    path = CompositeID("$custom", "$default", "a/b?c#d%e").path

    assert path == "%24custom%3A%3A%3A%24default%3A%3A%3Aa%2Fb%3Fc%23d%25e"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$shopify:::$default:::gid://shopify/ProductVariant/123", "use '123'"),
        ("PARKA-M", "is not a composite ID: type:::catalog:::variant"),
        ("$custom:::PARKA-M", "is not a composite ID: type:::catalog:::variant"),
        ("", "is not a composite ID"),
        (":::$default:::PARKA-M", "has an empty part"),
        ("$custom::::::PARKA-M", "has an empty part"),
        ("$custom:::$default:::", "has an empty part"),
        ("$custom:::$default:::  ", "has an empty part"),
        ("$custom:::$default:::a\nb", "control character"),
        ("$custom:::$default:::a\0b", "control character"),
        ("$custom:::$default:::a\x7fb", "control character"),
        ("$custom:::$default:::" + "x" * 480, "at most 500 characters; this one has 501"),
        ("$magento_two:::1:::2047", "such as 1-1"),
    ],
)
def test_invalid_id_is_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        CompositeID.parse(text)

    assert message in str(caught.value)


def test_only_the_external_id_may_contain_the_separator() -> None:
    with pytest.raises(ValueError, match="only the variant's own ID may contain ':::'"):
        CompositeID("$custom", "a:::b", "c")
