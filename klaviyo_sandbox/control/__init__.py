"""The sandbox's own JSON API under `/_sandbox/`, for tests and the demo."""
