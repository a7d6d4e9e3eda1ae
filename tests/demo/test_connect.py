"""docs/connect.md followed word for word: its commands, against an account as strict as it says."""

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
    """The guide's blocks of code of a kind, without the indent of their list."""
    return [
        "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        for indent, found, text in BLOCK.findall(GUIDE)
        if found == kind
    ]


class Newcomer:
    """Somebody who types what the guide says, into a copy of the project."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.left = blocks("sh")
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environ = {**environ, "FLASK_APP": "app", "COLUMNS": "200"}

    def next_block(self, holds: str) -> str:
        """The guide's next block of commands, which must hold these words."""
        block = self.left.pop(0)
        assert holds in block
        return block

    def types(self, holds: str) -> subprocess.CompletedProcess[str]:
        """Type the guide's next block; its last command's exit status and all that was shown."""
        return subprocess.run(
            ["sh", "-ec", self.next_block(holds)],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def fills_in(self) -> None:
        """Fill in the lines that the guide names, and where the stand-in is."""
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
    """A fresh copy, and an account with the key of the guide's table and nothing else."""
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
def test_the_guide_leads_from_keys_to_the_message(newcomer: Newcomer, sandbox: Sandbox) -> None:
    """Each command does what the guide says, and the account gives no more than it asks for."""
    assert newcomer.types("cp .env.example .env").returncode == 0
    newcomer.fills_in()
    first = newcomer.types("notify-me check")
    assert first.returncode == 1, first.stderr
    assert re.findall(r"^FAIL  (\w+)", first.stdout, re.MULTILINE) == ["Variants"]
    assert "push-catalog" in first.stdout
    pushed = newcomer.types("push-catalog")
    assert pushed.returncode == 0, pushed.stderr
    second = newcomer.types("notify-me check")
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
        restocked = newcomer.types("restock")
        assert restocked.returncode == 0, restocked.stderr
        assert eventually(lambda: [each["to"] for each in sandbox.read("messages")]) == [ADA]
        shop.interrupt()
        shop.read_to_end()
    assert newcomer.left == []


def sign_up(url: str) -> None:
    """As a browser without scripts does it, from the guide's own product page."""
    [address] = re.findall(r"<http://127\.0\.0\.1:5000(/products/[^>]+)>", GUIDE)
    page = requests.get(url + address, timeout=TIMEOUT).text
    [form] = {each for each in re.findall(r'href="(/notify-me/[^"?]+)"', page) if SKU in each}
    data = {"channels": "EMAIL", "email": ADA}
    headers = {"Sec-Fetch-Site": "same-origin"}
    reply = requests.post(url + form, data=data, headers=headers, timeout=TIMEOUT)
    assert "on the list" in reply.text
