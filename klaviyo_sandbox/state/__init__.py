"""The state of a sandbox: account, catalog, profiles, waiting list, messages, and its file."""
