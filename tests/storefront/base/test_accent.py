"""`/accent.css`: text stays readable on any accent colour, in light and dark mode."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from notify_me.settings.css import contrast_ratio
from storefront.base.accent import DARK_PAPER, dark_accent, readable_color


@settings(deadline=None)
@given(st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}"))
def test_text_is_readable_on_any_accent(accent: str) -> None:
    dark = dark_accent(accent)

    assert re.fullmatch("#[0-9a-f]{6}", dark)
    assert (contrast_ratio(readable_color(accent), accent) or 0) >= 4.5
    assert (contrast_ratio(readable_color(dark), dark) or 0) >= 4.5
    assert (contrast_ratio(dark, DARK_PAPER) or 0) >= 4.5
