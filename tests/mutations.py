"""Mutation tests: thirty deliberate faults, each of which a test must catch.

`make mutations` copies the tracked files, applies one fault at a time to the copy, runs the tests
named with it until one fails, and prints a table. It fails if a fault is not caught.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
KIT = ("tests/notify_me", "tests/contract")
SHOP = ("tests/storefront",)
SANDBOX = ("tests/klaviyo_sandbox",)
QUICK = "not browser and not process and not slow"


class Mutation(NamedTuple):
    """One fault: a replacement of text in one file, and the tests that should catch it."""

    path: str
    old: str
    """Must occur exactly once in the file."""
    new: str
    tests: tuple[str, ...]


MUTATIONS = [
    Mutation(
        "notify_me/klaviyo/outcomes.py",
        "(status == 409 and operation is Operation.BACK_IN_STOCK)",
        "status == 409",
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/outcomes.py",
        "status == 429 or",
        "status == 428 or",
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/outcomes.py",
        "or self.is_html",
        "or False",
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/outcomes.py",
        'if status == 404 and response.code == "variant_not_found":',
        "if status == 404:",
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/outcomes.py",
        'return "phone_number", phone_channels',
        'return "email", phone_channels',
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/outcomes.py",
        "{1,6}",
        "{1,2}",
        KIT,
    ),
    Mutation(
        "notify_me/channels.py",
        'short_name="WhatsApp",\n                identifier="phone_number",',
        'short_name="WhatsApp",\n                identifier="email",',
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/calls.py",
        '(Operation.SUBSCRIBE, "client"): "subscriptions"',
        '(Operation.SUBSCRIBE, "client"): "profile-subscription-bulk-create-jobs"',
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/calls.py",
        "channels = [statement.channel for statement in consent.statements]",
        "channels = list(sign_up.channels)",
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/calls.py",
        '"attributes": {**identifiers, **attributes}',
        '"attributes": {"email": sign_up.email, **identifiers, **attributes}',
        KIT,
    ),
    Mutation(
        "notify_me/klaviyo/calls.py",
        "for variant in sign_up.variants]",
        "for variant in sign_up.variants[:1]]",
        KIT,
    ),
    Mutation(
        "notify_me/form/sign_up_form.py",
        "frozenset(checked - self._outdated_channels)",
        "frozenset(checked)",
        KIT,
    ),
    Mutation(
        "notify_me/form/sign_up_form.py",
        "if not self._variants.issuperset(self.selected_variants):",
        "if self._variants.isdisjoint(self.selected_variants):",
        KIT,
    ),
    Mutation(
        "notify_me/form/sign_up_form.py",
        "len(self.selected_variants) > MAX_VARIANTS",
        "len(self.selected_variants) > 11",
        KIT,
    ),
    Mutation(
        "notify_me/form/sign_up_form.py",
        "if not set(self.options.channels).issuperset(field.data):",
        "if set(self.options.channels).isdisjoint(field.data):",
        KIT,
    ),
    Mutation(
        "notify_me/form/sign_up_form.py", '"true", "y", "yes"', '"true", "y", "yes", "no"', KIT
    ),
    Mutation(
        "notify_me/form/consent.py",
        "and (prompt.channel in checked or not prompt.has_checkbox)",
        "or (prompt.channel in checked or not prompt.has_checkbox)",
        KIT,
    ),
    Mutation(
        "notify_me/form/consent.py",
        'elif consent.email_list == "always":',
        "elif True:",
        KIT,
    ),
    Mutation(
        "notify_me/form/consent.py",
        "    if consent.age_gated:",
        "    if False:",
        KIT,
    ),
    Mutation(
        "notify_me/form/consent.py",
        "account.revision < channel.info.first_revision",
        "account.revision > channel.info.first_revision",
        KIT,
    ),
    Mutation(
        "notify_me/web/submission.py",
        "if responses.from_element() or",
        "if not responses.from_element() or",
        KIT,
    ),
    Mutation(
        "notify_me/web/submission.py",
        "        if queued:\n            # never confirm",
        "        if not queued:\n            # never confirm",
        KIT,
    ),
    Mutation(
        "notify_me/web/client_mode.py",
        "if not state.log.claim(",
        "if state.log.claim(",
        KIT,
    ),
    Mutation(
        "notify_me/web/submission.py",
        "min(float(max(delays, default=0)), settings.longest_pause)",
        "0.0",
        KIT,
    ),
    Mutation(
        "storefront/buying/orders.py",
        "ProductVariant.quantity >= quantity",
        "ProductVariant.quantity > quantity",
        SHOP,
    ),
    Mutation("storefront/buying/orders.py", "    session.commit()", "    session.flush()", SHOP),
    Mutation(
        "storefront/buying/orders.py",
        "    admin.queue_stock_updates(tracked, shop_url(), connection=session)\n",
        "",
        SHOP,
    ),
    Mutation(
        "klaviyo_sandbox/serving/checks.py", "        _check_scopes(call, operation)\n", "", SANDBOX
    ),
    Mutation(
        "klaviyo_sandbox/serving/checks.py",
        "        _refuse_private_key(call)\n",
        "",
        SANDBOX,
    ),
    Mutation(
        "klaviyo_sandbox/serving/checks.py",
        '"") != call.sandbox.account.public_key',
        '"") > call.sandbox.account.public_key',
        SANDBOX,
    ),
]


def main() -> int:
    """Print the table, and return the number of faults that no test caught."""
    survivors = 0
    sys.stdout.write("| File | Fault | Caught by |\n|---|---|---|\n")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        _copy_to(copy)
        for mutation in MUTATIONS:
            caught = _caught_by(copy, mutation)
            survivors += not caught
            fault = f"`{_line(mutation.old)}` → `{_line(mutation.new)}`".replace("|", "\\|")
            sys.stdout.write(f"| {mutation.path} | {fault} | {caught or '**nothing**'} |\n")
            sys.stdout.flush()
    return survivors


def _copy_to(folder: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, tracked.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


def _caught_by(folder: Path, mutation: Mutation) -> str:
    """Return the first test that fails with the fault; empty if all pass."""
    file = folder / mutation.path
    before = file.read_text()
    count = before.count(mutation.old)
    if count != 1:
        raise SystemExit(f"{mutation.path}: {mutation.old!r} occurs {count} times, not once")
    file.write_text(before.replace(mutation.old, mutation.new))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, "-m", QUICK, *mutation.tests],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    file.write_text(before)
    if result.returncode not in (0, 1, 2):
        raise SystemExit(result.stdout + result.stderr)
    failed = re.search(r"^(?:FAILED|ERROR) \S*?([^/\s]+::[\w:]+)", result.stdout, re.MULTILINE)
    return failed[1] if failed else ""


def _line(text: str) -> str:
    return " ".join(text.split()) or "(removed)"


if __name__ == "__main__":
    sys.exit(main())
