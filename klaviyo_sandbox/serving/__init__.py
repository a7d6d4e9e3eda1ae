"""How a call reaches its operation: routes, checks before it, and the journal of requests."""
