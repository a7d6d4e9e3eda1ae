"""Every page and state of `tests/pages.py` passes axe, and no text is cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.axe import EVERY_LOOK, layout_problems, not_reviewed, run_axe, set_window_size
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
    """It has no violation of WCAG 2.2 AA, no unreviewed axe result, and no text that is cut off.

    Each state is tested in two of the six looks; `make audit` tests all of them.
    """
    tab.context.clear_cookies()
    set_window_size(tab)
    served.sandbox.end_drills()

    STATES[name](Visit(tab, served))

    turn = list(STATES).index(name)
    for result in run_axe(tab, [EVERY_LOOK[(turn + step) % 6] for step in (0, 3)]):
        assert result.violations == frozenset(), result.look
        assert not_reviewed(name, result) == [], result.look
    assert layout_problems(tab, [320]) == []
