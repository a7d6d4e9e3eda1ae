"""`/merchant/deliveries`: what waits for Klaviyo, what failed, and to try it again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.merchant.deliveries import lasting
from tests.forked import python
from tests.storefront.conftest import close, environ, make_shop
from tests.storefront.page import Page
from tests.support import Sandbox, eventually

PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M"
URL = "/merchant/deliveries"
BUTTON = "Try again what was set aside"
QUICK = """
[delivery]
first_retry = 0.1
longest_retry = 0.5
"""
Worker = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def settings(tmp_path: Path, sandbox: Sandbox) -> dict[str, str]:
    """What points shop and worker at the sandbox, without the usual long waits."""
    file = tmp_path / "notify_me.toml"
    file.write_text(QUICK, encoding="utf-8")
    return {**sandbox.environ(), "NOTIFY_ME_CONFIG": str(file)}


@pytest.fixture
def app(
    tmp_path: Path, filled: Path, sandbox: Sandbox, settings: dict[str, str]
) -> Iterator[Flask]:
    """A shop with its catalog, and with the sandbox as Klaviyo."""
    shutil.copy(filled, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **settings)
    yield app
    sandbox.reset()
    close(app)


@pytest.fixture
def worker(app: Flask, tmp_path: Path, settings: dict[str, str]) -> Worker:
    """Runs `flask notify-me deliver` for a while."""

    @contextmanager
    def run() -> Iterator[None]:
        more = {
            **environ(tmp_path / "shop.db"),
            **settings,
            "NOTIFY_ME_WORKER_FOLDER": str(tmp_path),
        }
        command = ["flask", "--app", "app", "notify-me", "deliver"]
        with python(command, {**os.environ, **more}, tmp_path / "worker.log"):
            yield

    return run


def keep(client: FlaskClient, sandbox: Sandbox, *emails: str) -> None:
    """Sign these up while Klaviyo is away, so that they are kept."""
    sandbox.drill("503", times=len(emails))
    for email in emails:
        data = {"channels": "EMAIL", "email": email}
        reply = client.post(PARKA, data=data, headers={"X-Notify-Me": "1"})
        assert reply.get_json()["state"] == "done"


def count(client: FlaskClient, state: str) -> int:
    """How many calls the page's table tells of this state."""
    [row] = [each for each in Page(client, URL).html.split("<tr") if f"<b>{state}</b>" in each]
    return int(row.split("<td>")[1].split("</td>")[0].replace(",", ""))


def run_sql(app: Flask, *statements: str) -> None:
    """Change the database behind the shop's back."""
    with app.app_context(), db.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def button(page: Page) -> str:
    """The button's tag."""
    [tag] = [each for each in page.html.split("<button") if f">{BUTTON}<" in each]
    return tag.split(">")[0]


def test_nothing_waits(client: FlaskClient) -> None:
    """Before the first sign-up the page says so, and what it is for; the stock page links to it."""
    page = Page(client, URL)

    assert "Nothing waits." in page.text
    assert "No shopper has signed up yet" in page.text
    stock = Page(client, "/merchant")
    assert f'href="{URL}"' in stock.html
    assert "Nothing waits." in stock.text


def test_what_waits_is_told_without_addresses(
    app: Flask, client: FlaskClient, sandbox: Sandbox
) -> None:
    """Counts, how long the oldest waits, the last error; contacts only masked."""
    keep(client, sandbox, "ada@example.org", "bea@example.org")
    run_sql(app, "UPDATE notify_me_sign_up SET created_at = datetime(created_at, '-125 minutes')")

    page = Page(client, URL)
    stock = Page(client, "/merchant")

    assert "2 wait, the oldest for 2 hours." in page.text
    assert "2 wait, the oldest for 2 hours." in stock.text
    assert "2 back-in-stock requests" in page.text
    assert "2 hours is a long wait" in page.text
    assert (count(client, "Waiting"), count(client, "Taken")) == (2, 0)
    assert "Klaviyo answered 503." in page.text
    assert "Haar Parka, Oilskin / M" in page.text
    [error_id] = {each["error_id"] for each in errors(app)[-1:]}
    assert error_id in page.text
    assert "b•••@e•••.org" in page.text
    for shown in (page, stock):
        assert "example.org" not in shown.html
    assert " disabled" in button(page)


def errors(app: Flask) -> list[dict[str, Any]]:
    """Klaviyo's error IDs as the log has them, oldest first."""
    with app.app_context(), db.engine.connect() as connection:
        found = connection.execute(
            sa.text("SELECT error_id FROM notify_me_call ORDER BY settled_at")
        )
        return [dict(each) for each in found.mappings()]


def test_what_was_set_aside_is_tried_again(
    client: FlaskClient, sandbox: Sandbox, worker: Worker
) -> None:
    """The worker parks what it doesn't understand; the button sends it out, and it arrives."""
    keep(client, sandbox, "ada@example.org", "bea@example.org")
    sandbox.drill("415", times=2)
    with worker():
        eventually(lambda: count(client, "Set aside") == 2)
        page = Page(client, URL)
        assert "Nothing waits; 2 set aside." in page.text
        assert "Klaviyo answered 415" in page.text
        assert "example.org" not in page.html
        assert "disabled" not in button(page)
        assert "2 set aside" in Page(client, "/merchant").text

        reply = client.post(URL)

        assert (reply.status_code, reply.headers["Location"]) == (303, f"{URL}?again=2")
        shown = Page(client, reply.headers["Location"])
        assert '<div class="notice" role="status"><p>2 calls go out again.' in shown.html
        eventually(lambda: count(client, "Taken") == 2)
    assert "None. Errors show here" in Page(client, URL).text
    assert {each["profile"]["email"] for each in sandbox.waiting()} == {
        "ada@example.org",
        "bea@example.org",
    }
    again = client.post(URL)
    assert "Nothing was set aside any more." in Page(client, again.headers["Location"]).text


def test_a_held_queue_says_what_to_mend(
    client: FlaskClient, sandbox: Sandbox, worker: Worker
) -> None:
    """The cure stands on the page, and on the stock page that there is one."""
    keep(client, sandbox, "ada@example.org")
    sandbox.drill("403", times=None)
    with worker():
        eventually(lambda: "wait for you" in Page(client, URL).text)

    page = Page(client, URL)
    assert "The private key lacks a scope: it needs catalogs:write" in page.text
    assert "until this is mended" in page.text
    assert "example.org" not in page.html
    assert "Held until something is mended." in Page(client, "/merchant").text


def test_a_throttled_queue_says_until_when(
    client: FlaskClient, sandbox: Sandbox, worker: Worker
) -> None:
    """There is nothing to mend, and a moment at which it goes on."""
    keep(client, sandbox, "ada@example.org")
    sandbox.drill("429", retry_after=600, times=1)
    with worker():
        eventually(lambda: "wait for Klaviyo" in Page(client, URL).text)

    held = Page(client, URL).html.split('<ul class="held">')[1].split("</ul>")[0]
    assert "nothing to mend" in held
    assert held.count("<time datetime=") == 2
    assert "Held until" not in Page(client, "/merchant").text


def test_another_site_cannot_try_again(
    client: FlaskClient, sandbox: Sandbox, worker: Worker
) -> None:
    """A form elsewhere that posts here changes nothing."""
    keep(client, sandbox, "ada@example.org")
    sandbox.drill("415", times=1)
    with worker():
        eventually(lambda: count(client, "Set aside") == 1)

    assert client.post(URL, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(URL, headers={"Origin": "https://other.example"}).status_code == 403
    assert count(client, "Set aside") == 1


@pytest.mark.parametrize("demo", [True, False])
def test_only_the_demos_visitor_gets_in(app: Flask, client: FlaskClient, demo: bool) -> None:
    """From elsewhere, or with the demo off, there is no such page."""
    app.config["DEMO"] = demo
    environ = {"REMOTE_ADDR": "192.0.2.7"} if demo else {}

    for method in ("GET", "POST"):
        reply = client.open(URL, method=method, environ_overrides=environ)
        assert reply.status_code == 404


def test_without_the_queue_the_log_is_still_shown(
    app: Flask, client: FlaskClient, sandbox: Sandbox
) -> None:
    """Its tables are missing: said in a sentence, and nothing can be tried again."""
    keep(client, sandbox, "ada@example.org")
    run_sql(
        app,
        "UPDATE notify_me_call SET state = 'dead_lettered'",
        "ALTER TABLE workflow_status RENAME TO somewhere_else",
    )

    page = Page(client, URL)
    assert "The queue doesn’t answer" in page.text
    assert "as soon as the queue answers" in page.text
    assert " disabled" in button(page)
    assert count(client, "Set aside") == 1
    assert "The queue doesn’t answer." in Page(client, "/merchant").text
    reply = client.post(URL)
    assert reply.status_code == 503
    assert "please try again in a moment" in reply.text


def test_without_the_log_stock_is_still_shown(app: Flask, client: FlaskClient) -> None:
    """The kit's tables are missing: a sentence instead of the counts."""
    run_sql(app, "ALTER TABLE notify_me_call RENAME TO somewhere_else")

    assert "The database doesn’t answer" in Page(client, URL, 503).text
    page = Page(client, "/merchant")
    assert "The log of sign-ups doesn’t answer." in page.text
    assert page.html.count('<th scope="row">') == 60


@pytest.mark.parametrize("path", ["/merchant", URL])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_database_it_says_so(empty_app: Flask, path: str, method: str) -> None:
    """No tables at all: a sentence and 503, whatever was asked."""
    with closing(empty_app.test_client().open(path, method=method)) as reply:
        assert reply.status_code == 503
        assert "The database doesn’t answer" in reply.text
        assert "flask db upgrade" in reply.text
        assert "no-store" in reply.headers["Cache-Control"]


def test_a_locked_database_is_no_error_page(app: Flask, client: FlaskClient) -> None:
    """Somebody else writes: trying again says that it didn't work; looking works."""
    with app.app_context(), db.engine.connect() as other:
        connection = other.connection.driver_connection
        assert connection is not None
        connection.execute("BEGIN IMMEDIATE")
        assert client.get(URL).status_code == 200
        reply = client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"})
        connection.execute("ROLLBACK")

    assert reply.status_code == 503
    assert "The database doesn’t answer" in reply.text


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "a moment"),
        (0.5, "a moment"),
        (1, "1 second"),
        (119, "1 minute"),
        (7200, "2 hours"),
        (86400 * 1500, "1,500 days"),
    ],
)
def test_spans_are_told_in_their_largest_unit(seconds: float, told: str) -> None:
    """Never more exact than a merchant needs."""
    assert lasting(timedelta(seconds=seconds)) == told
