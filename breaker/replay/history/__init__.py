"""Replay of a breaker's own history: calls are made from its slots, so that no log is needed."""

from breakerd.breaker.replay.history.certainty import Agreement, Certainty
from breakerd.breaker.replay.history.prediction import (
    Effect,
    Prediction,
    what_would_have_happened,
)
from breakerd.breaker.replay.history.reconstruction import reconstruct
from breakerd.breaker.replay.history.record_slots import finest_slots
from breakerd.breaker.replay.history.source import HistorySource

__all__ = [
    "Agreement",
    "Certainty",
    "Effect",
    "HistorySource",
    "Prediction",
    "finest_slots",
    "reconstruct",
    "what_would_have_happened",
]
