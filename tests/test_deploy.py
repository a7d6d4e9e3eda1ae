"""docs/deploy.md: the steps of the Containerfile, compose.yaml and the systemd units, without a
container engine; two machines behind nginx; backup and restore; `.env`.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import pytest
import requests
import yaml

from tests.notify_me.offers import ELEMENT
from tests.notify_me.running_shop import Postgres, people
from tests.support import TIMEOUT, Sandbox, eventually

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PATH = f"{BIN}{os.pathsep}{os.environ['PATH']}"
WITH_NGINX = f"{PATH}{os.pathsep}/usr/sbin"
"""Debian installs nginx in a folder that isn't on every user's path."""
START_TIMEOUT = 180
"""Seconds; the tests share the machine with others."""
KEYS = {
    "SECRET_KEY": "s" * 32,
    "KLAVIYO_PRIVATE_KEY": "pk_for_tests",
    "KLAVIYO_API_URL": "http://127.0.0.1:9",
}
STATES = "SELECT state, count(*) FROM notify_me_call GROUP BY state"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]

pytestmark = [pytest.mark.slow, pytest.mark.process]


def instructions(name: str) -> list[list[str]]:
    """Return the instructions of the Containerfile with this name, as words."""
    lines = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"{name} ")]


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder /srv/shop of the image: what the Containerfile copies and compresses."""
    folder = tmp_path_factory.mktemp("image") / "shop"
    ignored = shutil.ignore_patterns("__pycache__", "*.br", "*.gz")
    folder.mkdir()
    for *sources, target in instructions("COPY"):
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=ignored)
            else:
                shutil.copy(ROOT / source, folder / target)
    [compress] = [
        line.removeprefix("RUN ")
        for line in (ROOT / "Containerfile").read_text("utf-8").splitlines()
        if "whitenoise" in line
    ]
    subprocess.run(["sh", "-c", compress], cwd=folder, env={"PATH": PATH}, check=True)
    (folder / "instance").mkdir()
    return folder


def settings(**more: str) -> dict[str, str]:
    """Return the environment of a container: the image's variables, and these."""
    variables = dict(word.split("=", 1) for [*words] in instructions("ENV") for word in words)
    return {"PATH": PATH, **variables, **KEYS, "HOST": "127.0.0.1", **more}


def run(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    """Run a command to completion and return its output; fail unless it exits with 0."""
    result = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@contextmanager
def running(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Run a long-running command, and stop it with SIGTERM."""
    with subprocess.Popen(command, cwd=folder, env=environ) as process:
        try:
            yield
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(TIMEOUT)


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query on a SQLite file."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def free_port() -> str:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def ready(port: str, host: str = "127.0.0.1") -> bool:
    """Return whether the shop's /readyz returns 200."""
    try:
        return requests.get(f"http://{host}:{port}/readyz", timeout=TIMEOUT).ok
    except requests.RequestException:
        return False


def test_image_serves_the_shop_with_a_worker(image: Path, tmp_path: Path) -> None:
    """The commands of compose.yaml run with the files that the Containerfile copies, on SQLite."""
    port = free_port()
    environ = settings(PORT=port, DATABASE_URL=f"sqlite:///{tmp_path}/shop.db")
    run(COMPOSE["upgrade"]["command"], image, environ)
    run(["flask", "storefront", "load"], image, environ)

    assert COMPOSE["web"]["command"] == json.loads(
        re.findall(r"^CMD (.+)$", (ROOT / "Containerfile").read_text("utf-8"), re.MULTILINE)[0]
    )
    with (
        running(COMPOSE["web"]["command"], image, environ),
        running(COMPOSE["worker"]["command"], image, environ),
    ):
        eventually(lambda: ready(port), START_TIMEOUT)
        pages = [
            requests.get(f"http://127.0.0.1:{port}{path}", timeout=TIMEOUT).status_code
            for path in ("/", "/products/haar-parka", "/static/shop.css", "/merchant", "/demo")
        ]
    assert pages == [200, 200, 200, 404, 404]
    assert not {"demo", "klaviyo_sandbox", "tests"} & {file.name for file in image.iterdir()}


@pytest.mark.parametrize("unit", ["web", "worker", "purge"])
def test_unit_runs_with_the_settings_in_env(unit: str, image: Path, tmp_path: Path) -> None:
    """The unit's commands run with `.env` and no other variables."""
    folder = Path(shutil.copytree(image, tmp_path / "srv"))
    port = free_port()
    lines = {**KEYS, "DEMO": "0", "PORT": port}
    (folder / ".env").write_text("".join(f"{k}={v}\n" for k, v in lines.items()), encoding="utf-8")
    parser = ConfigParser(interpolation=None, strict=False, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(ROOT / f"deploy/restock-{unit}.service", "utf-8")
    command = shlex.split(parser["Service"]["ExecStart"])
    command[0] = command[0].replace("/srv/shop/.venv/bin", str(BIN))
    environ = {"PATH": PATH}
    run(["flask", "db", "upgrade"], folder, environ)

    if unit == "purge":
        run(command, folder, environ)
        return
    with running(command, folder, environ):
        if unit == "web":
            eventually(lambda: ready(port), START_TIMEOUT)


def test_web_unit_has_no_reload() -> None:
    """After a SIGHUP, gunicorn would read shop.toml again, but keep the old code and `.env`."""
    assert "ExecReload" not in (ROOT / "deploy/restock-web.service").read_text("utf-8")


@pytest.mark.parametrize(
    "command",
    [
        "flask run",
        "flask --app app:create_app run --debug",
        "python -m flask run --host 127.0.0.3",
        "python app.py",
        "gunicorn app:create_app()",
    ],
)
def test_host_and_port_in_env_apply_to_every_command(
    command: str, image: Path, tmp_path: Path
) -> None:
    """Options of the command take precedence over `.env`."""
    folder = Path(shutil.copytree(image, tmp_path / "srv"))
    port = free_port()
    lines = {**KEYS, "DEMO": "0", "HOST": "127.0.0.2", "PORT": port}
    (folder / ".env").write_text("".join(f"{k}={v}\n" for k, v in lines.items()), encoding="utf-8")
    run(["flask", "db", "upgrade"], folder, {"PATH": PATH})
    host = "127.0.0.3" if "--host" in command else "127.0.0.2"

    with running(shlex.split(command), folder, {"PATH": PATH}):
        eventually(lambda: ready(port, host), START_TIMEOUT)


def test_sqlite_backup_can_be_restored(image: Path, tmp_path: Path) -> None:
    """The backup is made while the shop has the file open, and contains everything committed by
    then.
    """
    database = tmp_path / "shop.db"
    environ = settings(DATABASE_URL=f"sqlite:///{database}")
    run(["flask", "db", "upgrade"], image, environ)
    run(["flask", "storefront", "load"], image, environ)
    with closing(sqlite3.connect(database)) as shop:
        shop.execute("UPDATE shop_variant SET quantity = 77 WHERE sku = 'HAAR-OIL-M'")
        shop.commit()
        # the shell's `.backup`, which isn't installed everywhere, calls the same function
        with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
            shop.backup(backup)
        shop.execute("DELETE FROM shop_variant")
        shop.commit()

    for file in tmp_path.glob("shop.db*"):
        file.unlink()
    (tmp_path / "backup.db").rename(database)
    run(["flask", "db", "upgrade"], image, environ)

    query = "SELECT quantity FROM shop_variant WHERE sku = 'HAAR-OIL-M'"
    assert rows(database, query) == [(77,)]


def test_upgrade_can_be_rolled_back_and_repeated(
    image: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    """The orders and sign-ups of an earlier version are kept, and its queued call is sent. After a
    rollback to the backup, the call is sent again, which Klaviyo ignores.
    """
    database, backup = tmp_path / "shop.db", tmp_path / "backup.db"
    with closing(sqlite3.connect(backup)) as earlier:
        earlier.executescript((ROOT / "tests" / "earlier_shop.sql").read_text("utf-8"))
    environ = settings(**{**sandbox.environ(), "DATABASE_URL": f"sqlite:///{database}"})

    for _ in range(2):
        for file in tmp_path.glob("shop.db*"):
            file.unlink()
        shutil.copy(backup, database)
        run(["flask", "db", "upgrade"], image, environ)
        with running(COMPOSE["worker"]["command"], image, environ):
            eventually(lambda: rows(database, STATES) == [("accepted", 2)], START_TIMEOUT)
        assert rows(database, "SELECT email FROM shop_order") == [("ada@lovelace.dev",)]

    assert [entry["profile"] for entry in sandbox.waiting()] == [{"email": "bob@lovelace.dev"}]


def test_postgresql_backup_can_be_restored(image: Path, tmp_path: Path, postgres: Postgres) -> None:
    original, restored = postgres.database("shop_original"), postgres.database("shop_restored")
    environ = settings(DATABASE_URL=original)
    run(["flask", "db", "upgrade"], image, environ)
    run(["flask", "storefront", "load"], image, environ)
    dump = str(tmp_path / "shop.dump")
    source, target = (url.replace("+psycopg", "") for url in (original, restored))

    run(["pg_dump", "--format=custom", f"--file={dump}", source], tmp_path, environ)
    run(
        ["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={target}", dump],
        tmp_path,
        environ,
    )

    restored_shop = settings(DATABASE_URL=restored)
    run(["flask", "db", "upgrade"], image, restored_shop)
    loaded_again = run(["flask", "storefront", "load"], image, restored_shop)
    assert "(0 new)" in loaded_again


NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log nginx.log;
events {}
http {
    access_log off;
    include site.conf;
}
"""
"""What Debian's nginx.conf does for the files in /etc/nginx/conf.d/."""


@contextmanager
def behind_nginx(folder: Path, ports: Sequence[str]) -> Iterator[str]:
    """Run nginx with deploy/nginx.conf in front of the shops on these ports; yield its URL.

    Only the addresses and the certificate are replaced.
    """
    port = free_port()
    certificate = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=shop.example"
    run([*shlex.split(certificate), "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", "privkey.pem", "-out", "fullchain.pem"], folder, {"PATH": PATH})  # fmt: skip
    site = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for pattern, replacement in (
        (r"server 127\.0\.0\.1:5000;", " ".join(f"server 127.0.0.1:{one};" for one in ports)),
        (r"listen \[::\].*", ""),
        (r"listen 443", f"listen 127.0.0.1:{port}"),
        (r"listen 80", f"listen 127.0.0.1:{free_port()}"),
        (r"/etc/letsencrypt/live/shop\.example", str(folder)),
    ):
        site, count = re.subn(pattern, replacement, site)
        assert count, pattern
    (folder / "site.conf").write_text(site, "utf-8")
    (folder / "main.conf").write_text(NGINX, "utf-8")
    command = ["nginx", "-p", str(folder), "-c", "main.conf", "-e", "nginx.log"]
    with running(command, folder, {"PATH": WITH_NGINX}):
        yield f"https://127.0.0.1:{port}"


@contextmanager
def machine(image: Path, environ: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """Run a web process and a worker; yield a function that kills both, like a power failure."""
    processes = [
        subprocess.Popen(COMPOSE[name]["command"], cwd=image, env=environ, start_new_session=True)
        for name in ("web", "worker")
    ]

    def kill() -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    try:
        yield kill
    finally:
        kill()


@pytest.mark.skipif(
    not shutil.which("nginx", path=WITH_NGINX) and os.environ.get("CI") != "true",
    reason="nginx is not installed: apt-get install nginx-light",
)
def test_one_of_two_machines_behind_nginx_dies_under_load(
    image: Path, tmp_path: Path, postgres: Postgres, sandbox: Sandbox
) -> None:
    """The machine never comes back. Pages are still served, only sign-ups that the machine was
    processing fail, and Klaviyo gets all confirmed sign-ups.
    """
    clients, emails, ports = 8, people(160), [free_port() for _ in range(2)]
    environ = settings(
        **sandbox.environ(),
        DATABASE_URL=postgres.database("shop_behind_nginx"),
        TRUSTED_PROXIES="1",
        RATELIMIT_ENABLED="0",
        NOTIFY_ME_DELIVERY__IN_WEB_PROCESS="false",
        NOTIFY_ME_DELIVERY__BREAKER_PAUSE="0.2",
        NOTIFY_ME_DELIVERY__FIRST_RETRY="0.2",
        NOTIFY_ME_DELIVERY__CALL_TIMEOUT="2",
        NOTIFY_ME_DELIVERY__SWEEP_AFTER="4",
    )
    run(COMPOSE["upgrade"]["command"], image, environ)
    run(["flask", "storefront", "load"], image, environ)
    confirmations = itertools.count(1)

    def shop_and_sign_up(email: str) -> int:
        """Sign up until the sign-up is confirmed; return how many attempts failed."""
        attempts = 1
        with requests.Session() as session:
            # another certificate bundle in the environment would take precedence
            session.trust_env = False
            session.verify = str(tmp_path / "fullchain.pem")
            session.get(f"{url}/products/haar-parka", timeout=TIMEOUT).raise_for_status()
            form = f"{url}/notify-me/$custom:::$default:::HAAR-OIL-M"
            data = {"channels": "EMAIL", "email": email}
            while not (reply := session.post(form, data, headers=ELEMENT, timeout=TIMEOUT)).ok:
                assert reply.status_code == HTTPStatus.BAD_GATEWAY, reply.text
                attempts += 1
        if next(confirmations) == len(emails) // 4:
            kill()
        return attempts - 1

    with (
        machine(image, {**environ, "PORT": ports[0]}) as kill,
        machine(image, {**environ, "PORT": ports[1]}),
        behind_nginx(tmp_path, ports) as url,
    ):
        eventually(lambda: all(map(ready, ports)), START_TIMEOUT)
        # so that the workers have calls to send when one is killed
        sandbox.drill("503", times=60)
        with ThreadPoolExecutor(clients) as threads:
            failed = sum(threads.map(shop_and_sign_up, emails))
        eventually(lambda: len(sandbox.waiting()) >= len(emails))

    assert failed <= clients
    assert {entry["profile"]["email"] for entry in sandbox.waiting()} == set(emails)
