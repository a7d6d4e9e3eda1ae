"""`make audit`: what takes too long, or needs Node or Java, for every run of the tests.

`python -m tests.audit` does all of it; parts can be named: styles types pages sizes lighthouse.
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
"""Each prints its figures and returns what is wrong."""


def main() -> int:
    """Run the parts that are named, or all; 1 if anything is wrong."""
    # all of it is on this machine, whatever proxy it has
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    logging.disable(logging.ERROR)
    wrong = []
    for name in sys.argv[1:] or PARTS:
        tools.say(f"\n{name}")
        problems = PARTS[name]()
        tools.say(*(f"  ✗ {problem}" for problem in problems))
        wrong += problems
    tools.say("", f"{len(wrong)} problems" if wrong else "Nothing to complain of")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
