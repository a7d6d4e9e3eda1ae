"""The button in containers that hide or change what is inside them, in three browsers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from selenium.webdriver import ActionChains, Keys, WebKitGTK, WebKitGTKOptions
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.webkitgtk.service import Service

from tests.browser.conftest import FIREFOX
from tests.browser.containers import PlaywrightTab, check_containers, containers
from tests.support import Sandbox, eventually


def count_valid_sign_ups(sandbox: Sandbox) -> int:
    """Return how many valid sign-ups the sandbox received."""
    calls = sandbox.requests()
    assert [call["problems"] for call in calls] == [[] for _ in calls]
    return len(calls)


def test_containers_in_chromium(page: Page, tmp_path: Path, sandbox: Sandbox) -> None:
    with containers(tmp_path, sandbox) as url:
        check_containers(PlaywrightTab(page), url)
    assert count_valid_sign_ups(sandbox) == 5


@pytest.mark.skipif(not FIREFOX, reason="Firefox isn't installed: apt-get install firefox-esr")
def test_containers_in_firefox(firefox: Browser, tmp_path: Path, sandbox: Sandbox) -> None:
    with containers(tmp_path, sandbox) as url, firefox.new_context() as context:
        check_containers(PlaywrightTab(context.new_page()), url)
    assert count_valid_sign_ups(sandbox) == 5


class WebKitTab:
    """A tab of WebKitGTK."""

    def __init__(self, driver: WebKitGTK) -> None:
        self.driver = driver

    def goto(self, url: str) -> None:
        """Open a page."""
        self.driver.get(url)

    def hover(self, selector: str) -> None:
        """Move the pointer to the first element that matches."""
        # animations that follow a scroll position never end
        moving = "document.getAnimations().some(({timeline}) => timeline === document.timeline)"
        eventually(lambda: self.evaluate(f"!{moving}"))
        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", element)
        ActionChains(self.driver).move_to_element(element).perform()

    def click(self, selector: str) -> None:
        """Move the pointer to the first element that matches, and click."""
        self.hover(selector)
        ActionChains(self.driver).click().perform()

    def click_at(self, x: int, y: int) -> None:
        """Click a point of the window."""
        actions = ActionBuilder(self.driver)
        actions.pointer_action.move_to_location(x, y)  # type: ignore[no-untyped-call]
        actions.pointer_action.click()
        actions.perform()

    def type(self, text: str) -> None:
        """Replace the text of the focused field."""
        field = self.driver.switch_to.active_element
        field.clear()
        field.send_keys(text)

    def press(self, key: str) -> None:
        """Press Enter or Escape."""
        self.driver.switch_to.active_element.send_keys(getattr(Keys, key.upper()))

    def wheel(self) -> None:
        """Do nothing: WebKit's driver can't turn the mouse wheel."""

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        return self.driver.execute_script(f"return {expression}")


@pytest.fixture
def webkit(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebKitGTK]:
    """WebKitGTK on a virtual screen."""
    webdriver = shutil.which("WebKitWebDriver")
    if not webdriver or not shutil.which("Xvfb"):
        pytest.skip("WebKitGTK isn't installed: apt-get install webkit2gtk-driver xvfb")
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with ExitStack() as stack:
        stack.enter_context(screen)
        stack.callback(screen.terminate)
        assert screen.stdout
        monkeypatch.setenv("DISPLAY", f":{screen.stdout.readline().strip()}")
        # Debian's sandboxed processes need privileges that a container lacks
        monkeypatch.setenv("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
        options = WebKitGTKOptions()
        [browser] = Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser")
        options.binary_location = str(browser)
        options.add_argument("--automation")
        driver = WebKitGTK(options=options, service=Service(webdriver))
        stack.callback(driver.quit)
        yield driver


@pytest.mark.slow
@pytest.mark.process
# Selenium itself causes this warning
@pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning")
def test_containers_in_webkit(webkit: WebKitGTK, tmp_path: Path, sandbox: Sandbox) -> None:
    with containers(tmp_path, sandbox) as url:
        check_containers(WebKitTab(webkit), url)
    assert count_valid_sign_ups(sandbox) == 5
