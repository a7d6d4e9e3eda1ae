"""Queued calls are sent without a worker, by a thread of a web process."""

from __future__ import annotations

import _thread
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from notify_me.context import delivery_context
from notify_me.delivery.worker import deliver_until
from tests.notify_me.running_shop import MUG, Shop
from tests.support import TIMEOUT, Sandbox, eventually

IN_WEB_PROCESS = {"NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "true"}


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    """The shop on SQLite."""
    return make_shop()


def test_queued_call_is_sent_without_a_worker(shop: Shop, sandbox: Sandbox) -> None:
    """If the process that queued a call has died, the next process that shows a form sends the
    call.
    """
    sandbox.drill("503", times=None)
    with shop.web(**IN_WEB_PROCESS) as web:
        assert web.sign_up("ada@example.org").json()["state"] == "done"
    assert shop.counts() == {"queued": 1}
    sandbox.end_drills()

    with shop.web(**IN_WEB_PROCESS) as web:
        requests.get(web.url + MUG, timeout=TIMEOUT)
        eventually(shop.delivered)
        assert "delivering queued calls in this web process" in web.output.read_text()

    assert shop.addresses() == {"ada@example.org"}


def test_web_process_leaves_the_calls_to_a_running_worker(shop: Shop, sandbox: Sandbox) -> None:
    sandbox.drill("503", times=1)
    with shop.worker() as worker, shop.web(**IN_WEB_PROCESS) as web:
        worker.wait_until_ready()
        assert web.sign_up("ada@example.org").json()["state"] == "done"
        eventually(shop.delivered)
        assert "in this web process" not in web.output.read_text()


def test_web_process_under_gevent_asks_for_a_worker(
    make_app: Callable[..., Flask], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """gevent and eventlet replace this function."""

    def start_new_thread(*arguments: Any) -> int:
        return start(*arguments)

    start = _thread.start_new_thread
    start_new_thread.__module__ = "gevent.thread"
    monkeypatch.setattr("_thread.start_new_thread", start_new_thread)

    make_app(**IN_WEB_PROCESS).test_client().get(MUG)

    assert any("can't deliver queued calls" in line for line in lines)


TWO_SHOPS = """
import sys
from pathlib import Path
from typing import Any
from notify_me.delivery import worker
from tests.notify_me.small_shop import small_catalog, small_shop
worker.IDLE_TIMEOUT = 0.5
for name in ("first", "second"):
    folder = Path(sys.argv[1], name)
    folder.mkdir()
    config = {"KLAVIYO_API_URL": sys.argv[2], "KLAVIYO_PRIVATE_KEY": sys.argv[3]}
    app = small_shop(folder, small_catalog(), **config, NOTIFY_ME_DELIVERY__IN_WEB_PROCESS="true")
    data = {"channels": "EMAIL", "email": f"{name}@example.org"}
    app.test_client().post("/notify-me/$custom:::$default:::MUG", data=data)
sys.stdin.read()
"""


@pytest.mark.process
def test_two_shops_in_one_process_both_deliver(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.drill("503", times=2)
    arguments = [str(tmp_path), sandbox.url, sandbox.account.private_key]
    process = subprocess.Popen([sys.executable, "-c", TWO_SHOPS, *arguments], stdin=subprocess.PIPE)
    try:
        eventually(lambda: len(sandbox.waiting()) == 2)
    finally:
        process.kill()
        process.communicate()


def test_a_process_can_deliver_again_after_an_error(shop: Shop, all_lines: list[str]) -> None:
    """If a process registered its workflow twice, DBOS would report an error."""
    stop = threading.Event()
    stop.set()
    with shop.app.app_context():
        context = delivery_context()
    assert context is not None
    for _ in range(2):
        deliver_until(stop, context, "test")

    assert "Duplicate registration" not in "".join(all_lines)


HEAVY = ("alembic", "dbos", "flask_babel", "flask_limiter", "klaviyo_sandbox", "tree_sitter")
WHEN_USED = (
    *("email_validator", "limits", "notify_me.admin", "notify_me.brand", "notify_me.cli"),
    *("notify_me.snippet", "requests", "sqlalchemy.dialects.postgresql"),
)
"""Imported when an app is set up, or when a command or an email address is first used."""
IMPORT = "import notify_me"
SHOW_FORM = """
import sys
from flask import Flask
from notify_me import NotifyMe
app = Flask("host", instance_path=sys.argv[1])
app.config.update(SECRET_KEY="s" * 32, KLAVIYO_PRIVATE_KEY="pk_test")
NotifyMe(app, catalog=lambda composite_id: [])
app.test_client().get("/notify-me/$custom:::$default:::none")
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("program", "packages"),
    [(IMPORT, (*HEAVY, *WHEN_USED)), (SHOW_FORM, HEAVY)],
    ids=["import", "form"],
)
def test_heavy_packages_are_imported_only_when_needed(
    program: str, packages: Sequence[str], tmp_path: Path
) -> None:
    """DBOS is imported when a call is queued, for example, and Alembic when tables are created."""
    program += "\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert not set(packages) & set(json.loads(run.stdout))
