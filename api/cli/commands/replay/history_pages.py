"""Slots of a running service, read page by page."""

from collections.abc import Iterator
from math import floor
from typing import TYPE_CHECKING, Any, Final

from breakerd.breaker.errors import TraceError
from breakerd.breaker.history.slot import HistorySlot

if TYPE_CHECKING:
    from breakerd.api.cli.client import AdminClient

_PAGE: Final = 1500
"""Slots of a page; the service gives at most 2,000 at a time."""
_FINE: Final = 10.0
_COARSE: Final = 60.0


def history_pages(
    client: "AdminClient", breaker: str, start: float, end: float
) -> list[HistorySlot]:
    """Return the slots of a breaker in [start, end): of ten seconds where it has them, else of 60.

    Raises:
        TraceError: an answer holds no slots.
    """
    fine = [slot for page in _pages(start, end, _FINE) for slot in _slots(client, breaker, *page)]
    begin = fine[0].start if fine else end
    pages = _pages(start, begin, _COARSE)
    coarse = [slot for page in pages for slot in _slots(client, breaker, *page)]
    until = coarse[-1].end if coarse else start
    return coarse + [slot for slot in fine if slot.start >= until]


def _pages(start: float, end: float, step: float) -> Iterator[tuple[float, float, float]]:
    """Yield (begin, end, step) of each page."""
    begin = floor(start / step) * step
    while begin < end:
        until = min(begin + _PAGE * step, end)
        yield begin, until, step
        begin = until


def _slots(
    client: "AdminClient", breaker: str, begin: float, end: float, step: float
) -> list[HistorySlot]:
    answer: dict[str, Any] = client.get(
        breaker, f"history?from={begin:.3f}&to={end:.3f}&step={step:g}"
    )
    try:
        return [HistorySlot.from_dict(each) for each in answer["slots"]]
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"the service's history cannot be read: {error}") from None
