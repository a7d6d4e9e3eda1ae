"""Composite IDs: odd ones keep their way from the button to Klaviyo, wrong ones are told why."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
import requests
from flask import Flask, render_template_string

from notify_me import CompositeID
from tests.notify_me.markup import Element, post_form, read
from tests.notify_me.small_shop import DictCatalog
from tests.support import TIMEOUT, Sandbox, serve

PRESTASHOP = "https%253A%252F%252Fshop.example.org%252F"

ODD = {
    "plain": ("$custom", "$default", "PARKA-M"),
    "shopify": ("$shopify", "$default", "40212871872673"),
    "bigcommerce": ("$bigcommerce", "$default", "384"),
    "magento": ("$magento_two", "1-1", "2047"),
    "square": ("$square", "$default", "VKXJ7ZQ2N4B5TQXIXZ2HTUL3"),
    "wix": ("$wix", "$default", "00000000-0000-0000-0000-000000000001"),
    "prestashop": ("$prestashop", PRESTASHOP, "12-34"),
    "typed type": ("salesforce commerce/cloud", "RefArch EU", "701642811398M"),
    "slash": ("$custom", "$default", "parka/M"),
    "double slash": ("$custom", "$default", "parka//M"),
    "many slashes": ("$custom", "$default", "a///b////c"),
    "leading slash": ("$custom", "$default", "/parka"),
    "trailing slash": ("$custom", "$default", "parka/"),
    "trailing slashes": ("$custom", "$default", "parka//"),
    "separator inside": ("$custom", "$default", "a:::b"),
    "colon first": ("$custom", "$default", ":a"),
    "space": ("$custom", "$default", "parka size M"),
    "spaces at the ends": ("$custom", "$default", " parka "),
    "percent": ("$custom", "$default", "100%"),
    "percent-encoded": ("$custom", "$default", "a%2Fb%20c%25"),
    "question mark": ("$custom", "$default", "what?choose=1"),
    "hash": ("$custom", "$default", "#1"),
    "ampersand": ("$custom", "$default", "salt&pepper=1&amp;x"),
    "plus": ("$custom", "$default", "1+1"),
    "double quotes": ("$custom", "$default", '10" mug'),
    "single quotes": ("$custom", "$default", "baker's"),
    "markup": ("$custom", "$default", "<b>M</b>"),
    "braces": ("$custom", "$default", "{{ 7*7 }}"),
    "backslash": ("$custom", "$default", "a\\b"),
    "semicolon": ("$custom", "$default", "a;v=1,2"),
    "accents": ("$custom", "$default", "größe-é"),
    "decomposed accents": ("$custom", "$default", "e\u0301"),
    "right to left": ("$custom", "$default", "מידה"),
    "emoji": ("$custom", "$default", "🧥-👩\u200d🌾"),
    "dot": ("$custom", "$default", "."),
    "two dots": ("$custom", "$default", ".."),
    "dot segments": ("$custom", "$default", "a/../b"),
    "trailing dots": ("$custom", "$default", "a/.."),
    "current folder": ("$custom", "$default", "a/./b"),
    "a static file's name": ("static", "notify-me.css", "x"),
    "longest": ("$custom", "$default", "x" * 479),
}


def form_at(url: str) -> tuple[Element, str]:
    """The form at this address, and the address to which it is sent."""
    page = requests.get(url, timeout=TIMEOUT)
    assert page.status_code == 200, page.text
    form = post_form(read(page.text))
    return form, urljoin(page.url, form["action"])


@pytest.mark.parametrize("parts", ODD.values(), ids=ODD)
def test_an_odd_id_reaches_klaviyo_unchanged(
    app: Flask, catalog: DictCatalog, sandbox: Sandbox, parts: tuple[str, str, str]
) -> None:
    """Opened by its path and by the button's link, and sent, both times as a browser does it."""
    composite_id = CompositeID(*parts)
    variant = catalog.add("odd", "Odd", "odd", 0, composite_id=composite_id)
    with app.test_request_context():
        button = render_template_string("{{ notify_me(variant) }}", variant=variant)

    with serve(app) as url:
        for link in (f"/notify-me/{composite_id.path}", read(button).one("a")["href"]):
            form, action = form_at(urljoin(url, link))
            data = form.form_data(email="ada@example.org")
            done = requests.post(action, data=data, timeout=TIMEOUT)
            assert "on the list" in done.text

    assert [each["variant"] for each in sandbox.waiting()] == [":::".join(parts)]
    assert len(sandbox.requests()) == 2


@pytest.mark.parametrize("parts", ODD.values(), ids=ODD)
def test_parsing_is_the_inverse_of_writing(parts: tuple[str, str, str]) -> None:
    """Split at the first two separators only."""
    parsed = CompositeID.parse(":::".join(parts))

    assert (parsed.integration_type, parsed.catalog_id, parsed.external_id) == parts


def test_a_path_is_one_segment() -> None:
    """Nothing in it means anything to a URL."""
    path = CompositeID("$custom", "$default", "a/b?c#d%e").path

    assert path == "%24custom%3A%3A%3A%24default%3A%3A%3Aa%2Fb%3Fc%23d%25e"


WRONG = {
    "Shopify's global ID": (
        "$shopify:::$default:::gid://shopify/ProductVariant/123",
        "use '123'",
    ),
    "no separator": ("PARKA-M", "is not a composite ID: type:::catalog:::variant"),
    "one separator": ("$custom:::PARKA-M", "is not a composite ID: type:::catalog:::variant"),
    "empty": ("", "is not a composite ID"),
    "empty type": (":::$default:::PARKA-M", "has an empty part"),
    "empty catalog": ("$custom::::::PARKA-M", "has an empty part"),
    "empty variant": ("$custom:::$default:::", "has an empty part"),
    "blank variant": ("$custom:::$default:::  ", "has an empty part"),
    "line break": ("$custom:::$default:::a\nb", "control character"),
    "null": ("$custom:::$default:::a\0b", "control character"),
    "delete": ("$custom:::$default:::a\x7fb", "control character"),
    "too long": ("$custom:::$default:::" + "x" * 480, "at most 500 characters; this one has 501"),
    "Magento without a hyphen": ("$magento_two:::1:::2047", "such as 1-1"),
    "Magento's default": ("$magento_two:::$default:::2047", "such as 1-1"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_id_is_told_with_its_cure(text: str, words: str) -> None:
    """Whoever wires up a catalog reads what is wrong, not a stack of parsing."""
    with pytest.raises(ValueError, match=r".") as caught:
        CompositeID.parse(text)

    assert words in str(caught.value)


def test_a_separator_in_the_first_parts_is_refused() -> None:
    """It would be read back as another ID."""
    with pytest.raises(ValueError, match="only the variant's own ID may contain ':::'"):
        CompositeID("$custom", "a:::b", "c")
