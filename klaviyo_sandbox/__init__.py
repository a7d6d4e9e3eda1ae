"""A strict, stateful stand-in for Klaviyo's HTTP API. Only this machine can use it.

`create_app(account)` returns the Flask app; `klaviyo-sandbox` (or `python -m klaviyo_sandbox`)
serves it. The paths are Klaviyo's, so a client only has to change its base URL. HTML pages are
under `/`, and a JSON API for tools and tests is under `/_sandbox/`.

Limitations
-----------
- Operations: back-in-stock subscriptions and consent, from the server (`/api`) and the browser
  (`/client`); catalog items and variants, one by one and in bulk jobs; reading accounts, lists,
  metrics, flows, profiles and the account's brand.
- There is one list. Its opt-in process is also the account's default. Consent is stored
  immediately; Klaviyo takes about a minute. There is no way to unsubscribe, and no age gate. At
  most one subscription per profile is processed every 30 minutes, whether a server or a browser
  sends it.
- The regions that can receive SMS were chosen for the sandbox; `/_sandbox/regions` changes them.
- Until the catalog contains a variant, any well-formed composite ID is accepted unless it is listed
  under `/_sandbox/unknown`. From then on, IDs in `$custom:::$default` must be in the catalog; IDs
  of other integrations are still accepted. Entries can't be deleted or put into categories.
- Bulk jobs finish immediately. A job that doesn't match Klaviyo's schema is refused as a whole.
- The flow has one wait and one message per channel, with this project's wording. It is triggered by
  any change that leaves a variant's stock at or above the minimum. Klaviyo doesn't document its
  defaults; here, the minimum is one, everybody is notified at once, and there is no wait. Each
  variant has its own wait. The end of a wait is processed at the next request; the messages are
  dated as if they had been sent when the wait ended.
- A message that can't reach its recipient is recorded as skipped, and its sign-up still leaves the
  waiting list.
- Filters, sorting, pagination and sparse fieldsets follow the specification. Cursors differ from
  Klaviyo's.
- A profile is identified by its email address or phone number. `id` and `external_id` are ignored.
- PUSH is always refused, since no profile has a push token. Beta revisions (`….pre`) are refused.
- The wording of errors is this project's; status, code and pointer are Klaviyo's. Where Klaviyo's
  behaviour isn't documented, the sandbox is strict: a call with an invalid phone number is
  refused even if its email address is valid, and browsers can't read a 429.
- Rate limits are per operation and account. A browser's IP address doesn't matter.
- Preflights aren't cached (`Access-Control-Max-Age: 0`), so that each one is recorded.
- State is in memory, or in a SQLite file (`--state`, `SANDBOX_STATE`) that only one process
  can use at a time. Rate limits are counted in memory only, and calls in progress are lost when the
  process exits.
"""

from .factory import create_app
from .state.account import Account, make_account

__all__ = ["Account", "create_app", "make_account"]
