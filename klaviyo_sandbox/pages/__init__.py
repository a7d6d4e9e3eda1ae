"""The pages for people: requests, waiting list, mailbox, drills, and the forms on them."""
