"""Every page and state of `tests/pages.py` is accessible as far as axe can tell, and fits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.axe import EVERY_LOOK, looks_at, misfits, not_reviewed, room_for
from tests.browser.conftest import watched
from tests.pages import STATES, Visit, let_go
from tests.sites import Sites, sites


@pytest.fixture(scope="module")
def served() -> Iterator[Sites]:
    """The shops and sandboxes of the table."""
    with sites() as served:
        yield served


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One tab for the whole table; an uncaught error or a CSP violation fails its last test."""
    with browser.new_context(reduced_motion="reduce") as context, watched(context) as page:
        yield page
        let_go()


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_accessible_and_fits(tab: Page, served: Sites, name: str) -> None:
    """No violation of WCAG 2.2 AA, nothing undecided that nobody looked at, no word cut off: in two
    of the six looks, each state's turn; `make audit` takes them all.
    """
    tab.context.clear_cookies()
    room_for(tab)
    served.sandbox.calm()

    STATES[name](Visit(tab, served))

    turn = list(STATES).index(name)
    for seen in looks_at(tab, [EVERY_LOOK[(turn + step) % 6] for step in (0, 3)]):
        assert seen.violations == frozenset(), seen.look
        assert not_reviewed(name, seen) == [], seen.look
    assert misfits(tab, [320]) == []
