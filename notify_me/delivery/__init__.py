"""Delivery: send a sign-up's calls at once, or put them into the durable queue.

The queue's engine is DBOS Transact, which only this package uses. It takes half a second to import,
so a web process imports it, and `.worker`, only once calls are queued.
"""
