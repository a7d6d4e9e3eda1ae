"""Get Accounts: proves the private key, and tells the public one."""

from ..protocol.errors import Reply
from ..protocol.limits import Limit
from .documents import check_query, many, resource
from .operation import Call, Operation, Side

PATH = "/api/accounts"


def act(call: Call) -> Reply:
    """Return the one account, in a list as Klaviyo does."""
    account = call.sandbox.account
    attributes = {
        "test_account": True,
        "contact_information": {
            "default_sender_name": account.sender,
            "default_sender_email": "shop@example.org",
            "website_url": None,
            "organization_name": account.name,
            "street_address": dict.fromkeys(
                ("address1", "address2", "city", "region", "country", "zip")
            ),
        },
        "industry": None,
        "timezone": "UTC",
        "preferred_currency": "USD",
        "public_api_key": account.public_key,
        "locale": "en-US",
    }
    shown = resource(call, "account", "accounts", account.public_key, attributes)
    return many(call, [shown], lambda _: 1, lambda each: each)


OPERATIONS = (
    Operation(
        side=Side.SERVER,
        method="GET",
        path=PATH,
        title="Get Accounts",
        limit=Limit(burst=1, steady=15),
        check=check_query,
        act=act,
    ),
)
"""https://developers.klaviyo.com/en/reference/get_accounts"""
