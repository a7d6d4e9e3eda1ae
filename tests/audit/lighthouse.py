"""Lighthouse scores of the shop's pages under gunicorn, on a phone and on a desktop."""

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
from tests.audit.tools import node, print_lines
from tests.pages import PARKA, form_path
from tests.sites import close, environ, load_catalog
from tests.support import CHROMIUM, TIMEOUT, eventually, serve_sandbox

RUNS = 3
MINIMUM_SCORES = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
PAGES: dict[str, tuple[str, str | None]] = {
    "listing": ("/", None),
    "product": (PARKA, None),
    # the form page is excluded from search engines on purpose
    "form page": (form_path("HAAR-OIL-M"), "is-crawlable"),
}
"""The path of a page, and an audit to skip."""
CHROME = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-sync"
    " --no-first-run --disable-background-networking --disable-component-update"
)


def audit() -> list[str]:
    """Print the median scores of three runs; return those that are missing or too low."""
    problems = []
    print_lines(f"  {'':24}" + "".join(f"{name:>16}" for name in MINIMUM_SCORES))
    with shop() as url:
        for name, (path, skipped) in PAGES.items():
            for device in ("phone", "desktop"):
                runs = [_scored_run(url + path, device, skipped) for _ in range(RUNS)]
                medians = {key: _median([run.get(key) for run in runs]) for key in MINIMUM_SCORES}
                note = f"  without {skipped}" if skipped else ""
                figures = "".join(f"{medians[key] or 'none':>16}" for key in MINIMUM_SCORES)
                print_lines(f"  {name + ', ' + device:24}{figures}{note}")
                problems += [
                    f"{name}, {device}: {key} is {medians[key]}, minimum {minimum}"
                    for key, minimum in MINIMUM_SCORES.items()
                    if (medians[key] or 0) < minimum
                ]
    return problems


def _median(scores: list[float | None]) -> int | None:
    """Return the median on a scale of 100, or None if a run has no score."""
    complete = [score for score in scores if score is not None]
    return round(100 * statistics.median(complete)) if len(complete) == RUNS else None


def _scored_run(url: str, device: str, skipped: str | None) -> dict[str, float | None]:
    """Return the scores of one run. A run without a score is repeated up to twice."""
    for _ in range(3):
        scores = _run(url, device, skipped)
        if all(scores.get(key) is not None for key in MINIMUM_SCORES):
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
        # write to a file: Lighthouse may exit before a pipe has been read
        path = Path(folder) / "report.json"
        node("lighthouse", url, *arguments, f"--output-path={path}")
        if not path.exists():
            return {}
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    scores = {key: report["categories"][key]["score"] for key in MINIMUM_SCORES}
    for key in MINIMUM_SCORES:
        if (scores[key] or 0) * 100 < MINIMUM_SCORES[key]:
            print_lines(*(f"    {key}: {title}" for title in _failing(report, key)))
    return scores


def _failing(report: dict[str, Any], category: str) -> list[str]:
    """Return the audits that lower the score of a category."""
    audits = report["audits"]
    references = report["categories"][category]["auditRefs"]
    return [
        f"{audit['id']}: {audits[audit['id']].get('displayValue') or audits[audit['id']]['title']}"
        for audit in references
        if audit["weight"] and (audits[audit["id"]]["score"] or 0) < 0.9
    ]


@contextmanager
def shop() -> Iterator[str]:
    """Run the demo shop under gunicorn on a free port, with the sandbox as Klaviyo."""
    with tempfile.TemporaryDirectory() as folder, serve_sandbox() as sandbox:
        klaviyo = sandbox.environ()
        port = str(_free_port())
        variables = environ(Path(folder) / "shop.db", klaviyo, PORT=port, HOST="127.0.0.1")
        app = create_app(variables)
        load_catalog(app)
        close(app)
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
        with subprocess.Popen(
            [*command, "app:create_app()"],
            cwd=ROOT,
            env={**os.environ, **variables},
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
