"""One breaker in many processes: what members tell each other through a hub, and what follows.

Pure but for the hubs: the time is passed in. `docs/fleet.md` explains it.
"""
