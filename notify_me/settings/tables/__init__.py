"""One module for each table of `notify_me.toml`."""
