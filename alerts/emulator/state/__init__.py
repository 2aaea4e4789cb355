"""State of an emulated account: alerts, heartbeats, teams, users, and the log of requests."""
