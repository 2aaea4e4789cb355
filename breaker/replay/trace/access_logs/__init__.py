"""Access logs: one line of text per call.

A server writes a line when a request has ended. Statuses from 500 on are failures, and so is 0,
which is written if no response was sent; 499 is a client that gave up.
"""
