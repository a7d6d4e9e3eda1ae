"""The pages for people: requests, waiting list, mailbox, simulated failures, and their forms."""
