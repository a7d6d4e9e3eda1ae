"""Prints the licences of the packages in requirements.lock. `make licences` runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"


def main() -> int:
    """Print a table made by pip-licenses, and return the exit status of pip-licenses."""
    names = re.findall(r"^([\w.-]+)(?:\[[\w,.-]+\])?==", LOCK.read_text("utf-8"), re.MULTILINE)
    command = [str(Path(sys.executable).with_name("pip-licenses")), "--order=license"]
    command += ["--packages", *names]
    return subprocess.run(command, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
