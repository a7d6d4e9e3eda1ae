"""Prints the licences of what the shop installs, from requirements.lock: `make licences`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"


def main() -> int:
    """Print the table of pip-licenses; return its exit status."""
    names = re.findall(r"^([\w.-]+)(?:\[[\w,.-]+\])?==", LOCK.read_text("utf-8"), re.MULTILINE)
    command = [str(Path(sys.executable).with_name("pip-licenses")), "--order=license"]
    command += ["--packages", *names]
    return subprocess.run(command, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
