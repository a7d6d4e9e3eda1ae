"""Lighthouse, phone and desktop, against the shop as it is deployed: gunicorn, with the sandbox."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from app import ROOT, create_app
from klaviyo_sandbox import create_app as create_sandbox
from klaviyo_sandbox import make_account
from tests.audit.tools import node, say
from tests.pages import PARKA, form_path
from tests.sites import close, environ, fill
from tests.support import CHROMIUM, TIMEOUT, Sandbox, eventually, serve

RUNS = 3
WANTED = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
PAGES: dict[str, tuple[str, str | None]] = {
    "listing": ("/", None),
    "product": (PARKA, None),
    # noindex is meant: a form per variant, without a word of its own, is nothing to find by search
    "form page": (form_path("HAAR-OIL-M"), "is-crawlable"),
}
"""Address, and the check that can't hold there."""
CHROME = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-sync"
    " --no-first-run --disable-background-networking --disable-component-update"
)


def audit() -> list[str]:
    """Print the medians of three runs; returns what is below the mark, or has no score."""
    wrong = []
    say(f"  {'':24}" + "".join(f"{name:>16}" for name in WANTED))
    with shop() as url:
        for name, (path, skipped) in PAGES.items():
            for device in ("phone", "desktop"):
                runs = [_scored_run(url + path, device, skipped) for _ in range(RUNS)]
                medians = {key: _median([each.get(key) for each in runs]) for key in WANTED}
                note = f"  without {skipped}" if skipped else ""
                figures = "".join(f"{medians[key] or 'none':>16}" for key in WANTED)
                say(f"  {name + ', ' + device:24}{figures}{note}")
                wrong += [
                    f"{name}, {device}: {key} is {medians[key]}, wanted {wanted}"
                    for key, wanted in WANTED.items()
                    if (medians[key] or 0) < wanted
                ]
    return wrong


def _median(scores: list[float | None]) -> int | None:
    """A score of 100; None if a run had none: a page that is down has null scores."""
    known = [each for each in scores if each is not None]
    return round(100 * statistics.median(known)) if len(known) == RUNS else None


def _scored_run(url: str, device: str, skipped: str | None) -> dict[str, float | None]:
    """The scores of one run, repeated up to twice if it ends without one, as a run now and then
    does. A page that is down has no score in any of them.
    """
    for _ in range(3):
        scores = _run(url, device, skipped)
        if all(scores.get(key) is not None for key in WANTED):
            break
    return scores


def _run(url: str, device: str, skipped: str | None) -> dict[str, float | None]:
    arguments = [
        "--quiet",
        "--no-enable-error-reporting",
        "--output=json",
        f"--chrome-flags={CHROME}",
        *(["--preset=desktop"] if device == "desktop" else []),
        *([f"--skip-audits={skipped}"] if skipped else []),
    ]
    os.environ["CHROME_PATH"] = CHROMIUM
    with tempfile.TemporaryDirectory() as folder:
        # a pipe may lose the end of the report: Lighthouse doesn't wait for it to be read
        path = Path(folder) / "report.json"
        node("lighthouse", url, *arguments, f"--output-path={path}")
        if not path.exists():
            return {}
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    scores = {key: report["categories"][key]["score"] for key in WANTED}
    for key in WANTED:
        if (scores[key] or 0) * 100 < WANTED[key]:
            say(*(f"    {key}: {title}" for title in _failing(report, key)))
    return scores


def _failing(report: dict[str, Any], category: str) -> list[str]:
    """The checks that cost a category points."""
    audits = report["audits"]
    refs = report["categories"][category]["auditRefs"]
    return [
        f"{each['id']}: {audits[each['id']].get('displayValue') or audits[each['id']]['title']}"
        for each in refs
        if each["weight"] and (audits[each["id"]]["score"] or 0) < 0.9
    ]


@contextmanager
def shop() -> Iterator[str]:
    """The demo shop as the Procfile starts it, on a free port, with the sandbox as Klaviyo."""
    account = make_account()
    with tempfile.TemporaryDirectory() as folder, serve(create_sandbox(account)) as sandbox_url:
        klaviyo = Sandbox(sandbox_url, account).environ()
        port = str(_free_port())
        own = environ(Path(folder) / "shop.db", klaviyo, PORT=port, HOST="127.0.0.1")
        app = create_app(own)
        fill(app)
        close(app)
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
        with subprocess.Popen(
            [*command, "app:create_app()"],
            cwd=ROOT,
            env={**os.environ, **own},
            stderr=subprocess.DEVNULL,
        ) as server:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: _up(url))
            try:
                yield url
            finally:
                server.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _up(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=TIMEOUT).ok
    except requests.ConnectionError:
        return False
