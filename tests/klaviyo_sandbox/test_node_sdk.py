"""Klaviyo's Node SDK, which sends `application/json`, calls the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    RunningSandbox,
    body,
    item_body,
    update_body,
    variant_body,
)

FOLDER = Path(__file__).with_name("node_sdk")
NODE = Path(sys.executable).with_name("node")


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(
    not NODE.exists() or not (FOLDER / "node_modules").is_dir(),
    reason="needs Klaviyo's Node SDK, which make test-slow installs",
)
def test_every_call_works_with_the_node_sdk(sandbox: RunningSandbox) -> None:
    arguments = {
        "url": sandbox.url,
        "key": sandbox.account.private_key,
        "list_id": sandbox.account.list_id,
        "bodies": {
            "item": item_body(),
            "variant": variant_body(),
            "sign_up": body(),
            "subscribe": sandbox.job(),
            "restock": update_body("jacket-m", inventory_quantity=3),
        },
    }

    run = subprocess.run(
        [NODE, FOLDER / "calls.js", json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "get_accounts": 200,
        "get_list": 200,
        "create_catalog_item": 201,
        "create_catalog_variant": 201,
        "get_catalog_variants": 200,
        "create_back_in_stock_subscription": 202,
        "bulk_subscribe_profiles": 202,
        "update_catalog_variant": 200,
    }
    entries = sandbox.read("requests")
    assert [entry["problems"] for entry in entries if entry["problems"]] == []
    sent_types = {entry["headers"].get("Content-Type") for entry in entries if entry["body"]}
    assert sent_types == {"application/json"}
    assert sandbox.recipients() == [EMAIL]
