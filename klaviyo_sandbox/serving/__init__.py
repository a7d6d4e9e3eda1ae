"""How a call reaches its operation: routes, checks, drills, and the recording of requests."""
