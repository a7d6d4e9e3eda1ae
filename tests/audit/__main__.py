"""Checks that are slow or need Node or Java. `make audit` runs them.

`python -m tests.audit` runs all parts; `python -m tests.audit pages sizes` runs two of them.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable

from tests.audit import lighthouse, sizes, tools, walk

PARTS: dict[str, Callable[[], list[str]]] = {
    "styles": tools.biome,
    "types": tools.typescript,
    "pages": walk.audit,
    "sizes": sizes.audit,
    "lighthouse": lighthouse.audit,
}
"""Each part prints its results and returns the problems it found."""


def main() -> int:
    """Run the parts named on the command line, or all. Return 1 if there are problems, else 0."""
    # all servers run on this machine, so a proxy must not be used
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    logging.disable(logging.ERROR)
    count = 0
    for name in sys.argv[1:] or PARTS:
        tools.print_lines(f"\n{name}")
        problems = PARTS[name]()
        tools.print_lines(*(f"  ✗ {problem}" for problem in problems))
        count += len(problems)
    tools.print_lines("", f"{count} problem{'s' * (count > 1)}" if count else "No problems found")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
