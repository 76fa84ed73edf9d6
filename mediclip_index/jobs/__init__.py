"""What a user does to an index, one module a verb: each takes a session, gives a report."""
