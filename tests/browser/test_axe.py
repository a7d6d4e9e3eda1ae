"""Every page and state of `tests/pages.py` passes axe, and no text is cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.axe import (
    SCHEMES,
    WIDTHS,
    layout_problems,
    not_reviewed,
    run_axe,
    set_window_size,
    show,
)
from tests.browser.conftest import watched
from tests.pages import STATES, Visit, release_requests
from tests.sites import Sites, sites


@pytest.fixture(scope="module")
def served() -> Iterator[Sites]:
    """The shops and their sandboxes."""
    with sites() as served:
        yield served


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One tab for all tests; an uncaught error or a CSP violation fails the last one."""
    with browser.new_context(reduced_motion="reduce") as context, watched(context) as page:
        yield page
        release_requests()


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_accessible_and_fits(tab: Page, served: Sites, name: str) -> None:
    """No page violates WCAG 2.2 AA, has an unreviewed axe result, or cuts off text.

    Each state is tested at one of the two widths, with two of the three colour schemes; `make
    audit` tests all six looks.
    """
    position = list(STATES).index(name)
    width = WIDTHS[position % 2]
    schemes = [SCHEMES[(position + step) % 3] for step in (0, 1)]
    tab.context.clear_cookies()
    set_window_size(tab, width)
    show(tab, schemes[0])
    served.sandbox.end_drills()

    STATES[name](Visit(tab, served))

    for result in run_axe(tab, [(scheme, width) for scheme in schemes]):
        assert result.violations == frozenset(), result.look
        assert not_reviewed(name, result) == [], result.look
    assert layout_problems(tab, [320]) == []
