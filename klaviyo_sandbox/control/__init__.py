"""`/_sandbox/…`: what tests and the demo set and read, as JSON."""
