"""The HTML pages: requests, waiting list, mailbox, simulated failures, and their forms."""
