"""Slots of a running service, read page by page."""

from math import floor
from typing import TYPE_CHECKING, Final

from breakerd.breaker.errors import TraceError
from breakerd.breaker.history.slot import HistorySlot

if TYPE_CHECKING:
    from breakerd.api.cli.client import AdminClient

_PAGE: Final = 3960.0
"""Seconds of a page. For so many the service gives slots of 10 s, where it has them, else of 60."""
_WIDEST: Final = 60.0
_FIELDS: Final = ",".join(key for key in HistorySlot(0.0, 10.0).to_dict() if key != "width")


def history_pages(
    client: "AdminClient", breaker: str, start: float, end: float
) -> list[HistorySlot]:
    """Return the slots of a breaker in [start, end), as fine as the service has them.

    Raises:
        TraceError: an answer holds no slots.
    """
    slots: list[HistorySlot] = []
    begin = start
    for stretch, stretch_end in _stretches(client, breaker, start, end):
        begin = floor(max(begin, stretch) / _WIDEST) * _WIDEST
        while begin < min(stretch_end, end):
            until = min(begin + _PAGE, end)
            # A page may begin within the last slot of the one before it.
            slots += [
                slot
                for slot in _page(client, breaker, begin, until)
                if not slots or slot.start >= slots[-1].end
            ]
            begin = until
    return slots


def _stretches(
    client: "AdminClient", breaker: str, start: float, end: float
) -> list[tuple[float, float]]:
    """Return begin and end of times with calls, roughly: one request saves empty pages."""
    answer = client.get(breaker, f"history?from={start:.3f}&to={end:.3f}&fields=start")
    try:
        width = float(answer["step"])
        return [(each["start"], each["start"] + width) for each in answer["slots"]]
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from None


def _page(client: "AdminClient", breaker: str, begin: float, end: float) -> list[HistorySlot]:
    answer = client.get(breaker, f"history?from={begin:.3f}&to={end:.3f}&fields={_FIELDS}")
    try:
        width = answer["step"]
        return [HistorySlot.from_dict({"width": width} | each) for each in answer["slots"]]
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> TraceError:
    return TraceError(f"the service's history cannot be read: {error}")
