"""What the sandbox remembers: account, catalog, profiles, waiting list, messages; and its file."""
