"""docs/connect.md, step by step, with a key that has only the scopes that the guide names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.demo.test_launch import PARTS, launched
from tests.support import TIMEOUT, Sandbox, eventually

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SKU = "HAAR-OIL-M"
ADA = "ada@shop.example.org"


def blocks(kind: str) -> list[str]:
    """Return the guide's code blocks in a language, without indentation."""
    return [
        "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        for indent, language, text in BLOCK.findall(GUIDE)
        if language == kind
    ]


class Newcomer:
    """Runs the guide's commands in a copy of the project."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.remaining = blocks("sh")
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environ = {**environ, "FLASK_APP": "app", "COLUMNS": "200"}

    def next_block(self, text: str) -> str:
        """Return the guide's next block of commands, which must contain `text`."""
        block = self.remaining.pop(0)
        assert text in block
        return block

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run the guide's next block of commands, which must contain `text`."""
        return subprocess.run(
            ["sh", "-ec", self.next_block(text)],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def fill_in_keys(self) -> None:
        """Fill in the lines of `.env` that the guide names, and the URL of the sandbox."""
        [names] = [re.findall(r"^(\w+)=", block, re.MULTILINE) for block in blocks("ini")]
        values = self.sandbox.environ()
        file = self.folder / ".env"
        text = file.read_text(encoding="utf-8")
        for name in names:
            text, times = re.subn(f"^{name}=$", f"{name}={values[name]}", text, flags=re.MULTILINE)
            assert times == 1, f".env.example has no line {name}="
        file.write_text(f"{text}\nKLAVIYO_API_URL={values['KLAVIYO_API_URL']}\n", encoding="utf-8")


@pytest.fixture
def newcomer(tmp_path: Path, sandbox: Sandbox) -> Iterator[Newcomer]:
    """A copy of the project, and an account whose key has the scopes in the guide's table."""
    for name in (*PARTS, ".env.example"):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    table = "".join(line for line in GUIDE.splitlines() if line.lstrip().startswith("|"))
    sandbox.set("account", scopes=re.findall(r"`([a-z]+:(?:read|write))`", table))
    yield Newcomer(tmp_path, sandbox)
    sandbox.reset()


@pytest.mark.slow
def test_guide_leads_to_the_alert(newcomer: Newcomer, sandbox: Sandbox) -> None:
    assert newcomer.run("cp .env.example .env").returncode == 0
    newcomer.fill_in_keys()
    first = newcomer.run("notify-me check")
    assert first.returncode == 1, first.stderr
    assert re.findall(r"^FAIL  (\w+)", first.stdout, re.MULTILINE) == ["Variants"]
    assert "push-catalog" in first.stdout
    pushed = newcomer.run("push-catalog")
    assert pushed.returncode == 0, pushed.stderr
    second = newcomer.run("notify-me check")
    assert (second.returncode, set(re.findall(r"^[A-Z]+", second.stdout, re.MULTILINE))) == (
        0,
        {"PASS"},
    )
    assert sandbox.account.private_key not in first.stdout + first.stderr + second.stdout
    newcomer.next_block("make run")
    with launched(newcomer.folder, **newcomer.environ) as shop:
        sign_up(shop.url)
        [waiting] = sandbox.waiting()
        assert waiting["variant"] == f"$custom:::$default:::{SKU}"
        restocked = newcomer.run("restock")
        assert restocked.returncode == 0, restocked.stderr
        assert eventually(lambda: [message["to"] for message in sandbox.read("messages")]) == [ADA]
        shop.interrupt()
        shop.read_to_end()
    branded = newcomer.run("import-brand")
    assert branded.returncode == 0, branded.stderr
    assert newcomer.remaining == []


def sign_up(url: str) -> None:
    """Sign up as a browser without scripts does, on the guide's product page."""
    [address] = re.findall(r"<http://127\.0\.0\.1:5000(/products/[^>]+)>", GUIDE)
    page = requests.get(url + address, timeout=TIMEOUT).text
    [form] = {link for link in re.findall(r'href="(/notify-me/[^"?]+)"', page) if SKU in link}
    data = {"channels": "EMAIL", "email": ADA}
    headers = {"Sec-Fetch-Site": "same-origin"}
    reply = requests.post(url + form, data=data, headers=headers, timeout=TIMEOUT)
    assert 'data-notify-me-state="done"' in reply.text
