"""A strict, stateful stand-in for Klaviyo's HTTP API, on its own origin and on this machine alone.

`create_app(account)` makes the Flask app, `python -m klaviyo_sandbox` serves it. Klaviyo's paths
stand at Klaviyo's URLs, so a client changes its base URL and nothing else. Pages for people are
under `/`, JSON for tools and tests under `/_sandbox/`.

Limitations
-----------
- Its operations: back-in-stock subscriptions and consent, each from the server (`/api`) and the
  browser (`/client`), and Get List.
- There is one list, and its opt-in is the account's default too. Consent is kept at once, not after
  Klaviyo's minute; nobody unsubscribes; there is no age gate. One subscribe of a profile in 30
  minutes is processed, wherever it comes from.
- The regions that SMS reaches are this project's choice, set under `/_sandbox/regions`.
- There is no catalog: any well-formed composite ID is a known variant, unless it is listed under
  `/_sandbox/unknown`. There is no flow either: nobody is ever notified.
- A profile is known by its email address or its phone number. An `id` or an `external_id` is
  stored with nobody, and brings no email address or phone number with it.
- PUSH is always refused: no profile has a push token. Beta revisions (`….pre`) are refused.
- Wording of errors is this project's own; status, code and pointer are Klaviyo's. Where Klaviyo's
  behaviour is not documented, the stricter reading is taken: a bad phone number is refused although
  the email address is good, and a throttled browser gets a reply that it can't read.
- Limits count each operation for the account, the browser's too, whatever its address.
- Preflights are not cached (`Access-Control-Max-Age: 0`), so that each one is seen.
- State lives in memory and ends with the process.
"""

from .account import Account, make_account
from .factory import create_app

__all__ = ["Account", "create_app", "make_account"]
