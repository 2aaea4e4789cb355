"""The record of a host on disk: what its breakers saw, slot by slot, and what happened to them."""
