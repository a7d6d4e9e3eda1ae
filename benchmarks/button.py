"""Benchmark of `notify_me()` and `notify_me_head()` on another shop's page, part of `make bench`.

The shop is a Flask app with nothing but the kit; a second run adds Flask-Babel.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

from flask import Flask
from flask_babel import Babel

from notify_me import CompositeID, NotifyMe, Variant
from notify_me.web.template_globals import notify_me, notify_me_head

QUICK = bool(os.environ.get("QUICK"))
CALLS = 500 if QUICK else 2000
ROUNDS = 5 if QUICK else 20
VARIANTS = [
    Variant(
        composite_id=CompositeID("$custom", "$default", f"PARKA-{number}"),
        product_id="parka",
        product_title="Haar Parka",
        url=f"/products/parka?variant=PARKA-{number}",
        options={"Size": "M", "Colour": f"Moss {number}"},
        quantity=0,
    )
    for number in range(20)
]


def milliseconds(call: Callable[[int], object]) -> float:
    """Return the CPU time of one call, averaged over the fastest round."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for number in range(CALLS):
            call(number)
        rounds.append((time.process_time() - start) / CALLS * 1000)
    return min(rounds)


def report(*, with_babel: bool) -> None:
    """Print the CPU time of a call to each function, averaged over many calls in one request."""
    with tempfile.TemporaryDirectory() as folder:
        app = Flask("shop", instance_path=folder)
        app.config.update(SECRET_KEY="s" * 32, KLAVIYO_PRIVATE_KEY="pk_benchmark")
        NotifyMe(app, catalog=lambda composite_id: [])
        if with_babel:
            Babel(app)
        with app.test_request_context("/products/parka"):
            button = milliseconds(lambda number: notify_me(VARIANTS[number % len(VARIANTS)]))
            head = milliseconds(lambda _: notify_me_head())
    ending = ", with Flask-Babel" if with_babel else ""
    print(f"notify_me(variant) takes {button:.3f} ms of CPU", end=" ")
    print(f"and notify_me_head() {head:.3f} ms{ending}.")


def main() -> None:
    """Run the benchmark."""
    report(with_babel=False)
    report(with_babel=True)


if __name__ == "__main__":
    main()
