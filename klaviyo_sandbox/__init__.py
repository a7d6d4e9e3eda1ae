"""A strict, stateful stand-in for Klaviyo's HTTP API, on its own origin and on this machine alone.

`create_app(account)` makes the Flask app, `python -m klaviyo_sandbox` serves it. Klaviyo's paths
stand at Klaviyo's URLs, so a client changes its base URL and nothing else. Pages for people are
under `/`, JSON for tools and tests under `/_sandbox/`.

Limitations
-----------
- Its operations: back-in-stock subscriptions and consent, each from the server (`/api`) and the
  browser (`/client`); the catalog's items and variants, one by one and in bulk jobs; and what a
  check of an account reads (accounts, lists, metrics, flows, profiles).
- There is one list, and its opt-in is the account's default too. Consent is kept at once, not after
  Klaviyo's minute; nobody unsubscribes; there is no age gate. One subscribe of a profile in 30
  minutes is processed, wherever it comes from.
- The regions that SMS reaches are this project's choice, set under `/_sandbox/regions`.
- Until the catalog has a variant, any well-formed composite ID is a known one, unless it is listed
  under `/_sandbox/unknown`. From then on `$custom:::$default` knows its own variants alone; other
  integrations' IDs are known as before. Nothing is deleted, and there are no categories.
- Bulk jobs are done at once, and refuse as a whole what Klaviyo's schema refuses.
- The flow is one delay and one message to each channel; its words are this project's own. It starts
  when a written stock differs from the one before and reaches the minimum. Klaviyo documents no
  default figures: here they are a minimum of one, everybody at once, no wait. A wait is a variant's
  own. Waits end when the next request comes, in their order and with their own times.
- A message that can't reach anybody is kept as skipped; the subscription is cleared all the same.
- Filters, sorting, pages and sparse fields follow the shapes; a cursor means nothing at Klaviyo.
- A profile is known by its email address or its phone number. An `id` or an `external_id` is
  stored with nobody, and brings no email address or phone number with it.
- PUSH is always refused: no profile has a push token. Beta revisions (`….pre`) are refused.
- Wording of errors is this project's own; status, code and pointer are Klaviyo's. Where Klaviyo's
  behaviour is not documented, the stricter reading is taken: a bad phone number is refused although
  the email address is good, and a throttled browser gets a reply that it can't read.
- Limits count each operation for the account, the browser's too, whatever its address.
- Preflights are not cached (`Access-Control-Max-Age: 0`), so that each one is seen.
- State lives in memory, or in one SQLite file (`--state`, `SANDBOX_STATE`) that one process uses.
  Rate limits are not kept in it, nor is a drilled call under way.
"""

from .factory import create_app
from .state.account import Account, make_account

__all__ = ["Account", "create_app", "make_account"]
