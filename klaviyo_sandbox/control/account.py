"""The sandbox's own JSON about the account: its keys, what they may do, and its time."""

from flask import Blueprint, Response, abort, jsonify, request

from ..state.sandbox import current_sandbox


def add_rules(blueprint: Blueprint) -> None:
    """Serve this part under the blueprint of the JSON, by its guards."""
    blueprint.add_url_rule("/account", view_func=account)
    blueprint.add_url_rule("/account", view_func=set_account, methods=["PUT"])


def account() -> Response:
    """Return the account with its keys: whoever reads this is on this machine."""
    sandbox = current_sandbox()
    with sandbox.lock:
        settings = sandbox.account_settings.as_json()
    return jsonify(
        private_key=sandbox.account.private_key,
        public_key=sandbox.account.public_key,
        list_id=sandbox.account.list_id,
        name=sandbox.account.name,
        **settings,
    )


def set_account() -> Response:
    """Change the settings that are sent: the private key's scopes, the skew of `Date`."""
    sandbox = current_sandbox()
    try:
        with sandbox.lock:
            sandbox.account_settings.change(request.get_json(force=True, silent=True))
    except ValueError as error:
        abort(400, str(error))
    return account()
