"""Replay of a breaker's own history: calls are made from its slots, so that no log is needed."""

from breakerd.breaker.replay.history.certainty import Agreement, Certainty
from breakerd.breaker.replay.history.reconstruction import reconstruct
from breakerd.breaker.replay.history.source import HistorySource

__all__ = ["Agreement", "Certainty", "HistorySource", "reconstruct"]
