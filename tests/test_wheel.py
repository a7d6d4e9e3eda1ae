"""Contents of the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.process


def test_wheel_contains_only_the_kit_and_the_sandbox(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=120)

    [wheel] = tmp_path.glob("restock_kit-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "notify_me/py.typed",
        "notify_me/static/notify-me.js",
        "notify_me/static/notify-me.css",
        "notify_me/templates/notify_me/_form.html",
        "notify_me/migrations/notify_me_0001_sign_up_log.py",
        "notify_me/translations/ar/LC_MESSAGES/notify_me.mo",
        "notify_me/translations/ar/LC_MESSAGES/notify_me.po",
        "klaviyo_sandbox/klaviyo-2026-07-15.json",
        "klaviyo_sandbox/templates/klaviyo_sandbox/overview.html",
    } <= names
    packages = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {"notify_me", "klaviyo_sandbox"}
