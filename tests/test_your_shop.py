"""The example in docs/your-shop.md works: the shop, its tables, a sign-up."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import TIMEOUT, Sandbox, eventually
from tests.test_wheel import build_wheel

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "your-shop.md").read_text(encoding="utf-8")
CODE = re.compile(r"^```(?:python|jinja)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = ("shop.py", "templates/base.html", "templates/tee.html")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files from the guide's code blocks."""
    (tmp_path / "templates").mkdir()
    for name, text in zip(FILES, CODE.findall(GUIDE), strict=True):
        assert f"`{name}`" in GUIDE
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def installed_flask(tmp_path: Path) -> Path:
    """The `flask` command of a new environment with only the kit's wheel installed."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    wheel = build_wheel("notify_me", tmp_path / "wheel")
    install = [str(environment / "bin" / "pip"), "install", "--quiet", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    return environment / "bin" / "flask"


def test_shop_from_the_guide_sends_a_sign_up_to_klaviyo(folder: Path, sandbox: Sandbox) -> None:
    flask = Path(sys.executable).with_name("flask")
    assert_sign_up_arrives(flask, folder, sandbox, PYTHONPATH=str(ROOT))


@pytest.mark.slow
def test_shop_from_the_guide_runs_with_the_installed_wheel(
    installed_flask: Path, folder: Path, sandbox: Sandbox
) -> None:
    assert_sign_up_arrives(installed_flask, folder, sandbox)


def sign_up_calls(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the recorded sign-ups, without the calls with which the shop checks the flow."""
    return [
        call
        for call in sandbox.requests()
        if call["operation"] == "create_back_in_stock_subscription"
    ]


def assert_sign_up_arrives(flask: Path, folder: Path, sandbox: Sandbox, **variables: str) -> None:
    """Start the shop with the guide's command, sign up, and check the call to Klaviyo."""
    command = "flask --app shop run"
    assert f"\n{command}\n" in GUIDE
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"],
        **variables,
        "SECRET_KEY": secrets.token_hex(),
        **{name: value for name, value in sandbox.environ().items() if "PUBLIC" not in name},
        "FLASK_RUN_PORT": str(port),
    }
    shop = subprocess.Popen(
        [flask, *command.split()[1:]], cwd=folder, env=environ, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"

        def page(path: str) -> requests.Response | None:
            try:
                return requests.get(url + path, timeout=TIMEOUT)
            except requests.ConnectionError:
                return None

        eventually(lambda: page("/tee") is not None)
        sold_out, in_stock = page("/tee"), page("/tee?variant=TEE-S")
        assert sold_out
        assert in_stock
        assert "Add to cart" in in_stock.text
        assert "Add to cart" not in sold_out.text
        link = re.search(r'href="(/notify-me/%24custom[^"]+)"', sold_out.text)
        assert link
        form = page(link[1])
        assert form
        assert "We can't" not in form.text
        data = {"channels": "EMAIL", "email": "ada@shop.example.org"}
        done = requests.post(url + link[1], data=data, timeout=TIMEOUT)
        assert 'data-notify-me-state="done"' in done.text
        # on a busy machine, the first attempt may time out and the call is sent from the queue
        [call] = eventually(lambda: sign_up_calls(sandbox))
    finally:
        shop.terminate()
        shop.wait(TIMEOUT)
    assert "$custom:::$default:::TEE-M" in str(call)
