"""The model of each table of `notify_me.toml`."""
