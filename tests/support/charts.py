"""Charts for tests of pictures: a usual incident, and what is hard to draw."""

from __future__ import annotations

from typing import Any

from breakerd.alerts.pictures.chart import Chart, ChartMark, ChartPoint

BEGIN = 1_796_119_200.0
"""1 December 2026 10:00:00 UTC."""
MARKS = (
    ChartMark(BEGIN + 630, "opened 10:10:30"),
    ChartMark(BEGIN + 690, "paged P2"),
    ChartMark(BEGIN + 700, "acknowledged"),
    ChartMark(BEGIN + 850, "well again"),
)


def point(number: int, high: float | None = 190.0, **values: Any) -> ChartPoint:
    """The slot of that number."""
    given = ChartPoint(
        BEGIN + 10 * number, 1200, 0, 0, high and high / 2, high, 600.0, 190.0, "CLOSED"
    )
    return given._replace(**values)


def chart(*points: ChartPoint, title: str = "payments", marks: tuple[ChartMark, ...] = ()) -> Chart:
    """A quarter of an hour in slots of ten seconds."""
    return Chart(title, BEGIN, BEGIN + 900, 10.0, 0.95, points, marks)


def incident(spike: float = 1100.0) -> tuple[ChartPoint, ...]:
    """Slots of a breaker that opens after 630 s, and probes after 800 s."""
    calm = [point(number) for number in range(55)]
    slow = [point(number, spike, failures=300) for number in range(55, 63)]
    opened = [point(number, None, calls=0, rejected=1000, state="OPEN") for number in range(63, 80)]
    probing = [
        point(number, calls=600, rejected=600, state="HALF_OPEN") for number in range(80, 90)
    ]
    return (*calm, *slow, *opened, *probing)


CHARTS = {
    "usual": chart(*incident(), marks=MARKS),
    "empty": chart(title='<b>&"payments"'),
    "one point": chart(point(40)),
    "gaps": chart(*(each for each in incident() if each.at % 120 > 30)),
    "a spike of 1,000 times": chart(*incident(190_000.0)),
    "microseconds": chart(*(point(number, 0.02) for number in range(90))),
    "a long name": chart(*incident(), title="a-name-that-goes-on-" * 8),
    "many calls": chart(*(point(number, calls=50_000_000) for number in range(90))),
    "many moments": chart(*incident(), marks=MARKS + MARKS),
}
