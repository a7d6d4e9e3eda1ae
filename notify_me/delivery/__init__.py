"""Delivery: send a sign-up's calls immediately, or put them into the durable queue.

The queue's engine is DBOS Transact, which only this package uses. It takes half a second to import,
so a web process imports it and `.worker` only when there are queued calls.
"""
