"""Hubs: where the members of a fleet meet. `HubState` has their semantics, on plain records."""
