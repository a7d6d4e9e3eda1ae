"""The main flows in a second engine: Debian's own Firefox.

Playwright drives a stock Firefox over WebDriver BiDi, which can't turn scripts off. Here,
"without scripts" means that requests for scripts are blocked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import FIREFOX
from tests.pages import (
    PARKA,
    STATES,
    Visit,
    form_path,
    open_dialog,
    release_requests,
    send,
    sign_up_by_keyboard,
    submit_invalid,
)
from tests.sites import Sites, sites

pytestmark = [
    # `test_containers.py` has a sign-up in Firefox that isn't slow
    pytest.mark.slow,
    pytest.mark.skipif(
        not FIREFOX, reason="Firefox is not installed: apt-get install firefox-esr, or set FIREFOX"
    ),
]


@pytest.fixture(scope="module")
def served() -> Iterator[Sites]:
    """The shops and their sandbox."""
    with sites() as served:
        yield served


@pytest.fixture
def visit(firefox: Browser, served: Sites) -> Iterator[Visit]:
    """A new tab, after resetting the sandbox."""
    served.sandbox.reset()
    with firefox.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield Visit(page, served)
        release_requests()


def calls(visit: Visit) -> list[tuple[str, int | None]]:
    """Return path and status of the calls that the sandbox received, all of which must be valid."""
    received = [call for call in visit.sites.sandbox.requests() if call["method"] == "POST"]
    assert [call["problems"] for call in received] == [[] for _ in received]
    return [(call["path"], call["status"]) for call in received]


@pytest.mark.parametrize(
    ("site", "path"),
    [
        ("shop", "/api/back-in-stock-subscriptions"),
        ("client", "/client/back-in-stock-subscriptions"),
    ],
)
def test_a_sign_up_in_the_dialog(visit: Visit, site: str, path: str) -> None:
    """An invalid address shows an error beside its field, and a valid address is sent."""
    page = visit.page
    dialog = open_dialog(visit, site=site)
    field = dialog.get_by_label("Email")
    expect(field).to_be_focused()

    submit_invalid(dialog)

    expect(field).to_be_focused()
    expect(field).to_have_value("isla@")
    assert calls(visit) == []

    send(dialog)

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_focused()
    assert calls(visit) == [(path, 202)]
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_sign_up_by_keyboard(visit: Visit) -> None:
    """The focus returns to the button after the dialog is closed."""
    page = visit.page
    visit.goto(PARKA)
    sign_up_by_keyboard(page, "isla@example.com")


def test_without_scripts(visit: Visit) -> None:
    """The link leads to the form page, which shows the error and then the confirmation."""
    page: Page = visit.page
    page.route("**/*.js*", lambda route: route.abort())
    visit.goto(PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    page.wait_for_url("**/notify-me/**")

    submit_invalid(page)
    expect(page.get_by_label("Email")).to_have_value("isla@")
    send(page)

    expect(page.get_by_role("heading", level=1)).to_have_text("You’re on the list")
    assert "done=" in page.url
    assert calls(visit) == [("/api/back-in-stock-subscriptions", 202)]


@pytest.mark.parametrize(
    "state",
    [
        *("dialog-failed", "dialog-offline", "dialog-choosing", "drawer-done", "inline-done"),
        *("arabic-error", "order", "studio"),
    ],
)
def test_a_state(visit: Visit, state: str) -> None:
    """Other states can be reached, and don't scroll sideways on a phone."""
    visit.page.set_viewport_size({"width": 360, "height": 740})

    if state not in STATES:
        pytest.skip("an optional package was deleted")
    STATES[state](visit)

    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_several_channels(visit: Visit) -> None:
    """Fields and checkboxes appear with their channel (CSS `:has()`), and consent is sent."""
    STATES["channels-done"](visit)

    assert [path for path, status in calls(visit) if status == 202] == [
        "/api/back-in-stock-subscriptions",
        "/api/profile-subscription-bulk-create-jobs",
    ]


def test_form_page_keeps_its_heading_level(visit: Visit) -> None:
    """The form that is shown again with an error has a first-level heading, too."""
    visit.goto(form_path("HAAR-OIL-M"))
    submit_invalid(visit.page)
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Haar Parka")
