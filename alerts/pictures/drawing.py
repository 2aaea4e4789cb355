"""Drawings: shapes on a plane, which `svg` and `png` write. Pure.

Lengths are in units of 1/96 inch, as CSS pixels; the origin is the top left corner. Colours are
`#rrggbb`.
"""

from dataclasses import dataclass
from typing import Final, Literal

CHARACTER: Final = 0.56
"""Mean width of a character as a multiple of the size of the words."""


@dataclass(frozen=True, slots=True)
class Box:
    """Filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: str


@dataclass(frozen=True, slots=True)
class Path:
    """Line through points.

    Attributes:
        points: at least two points, (x, y) each.
        colour: colour of the line.
        width: its width.
        dash: length of its dashes and of the gaps between them; 0 for an unbroken line.
    """

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 1.0
    dash: float = 0.0


@dataclass(frozen=True, slots=True)
class Dot:
    """Filled circle."""

    x: float
    y: float
    radius: float
    fill: str


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text.

    Attributes:
        x: where it begins, has its middle, or ends, see `anchor`.
        y: its base line.
        text: the text; any characters.
        size: size of the font.
        anchor: what lies at `x`.
        colour: colour of the text.
        bold: True for bold type.
    """

    x: float
    y: float
    text: str
    size: float = 11.0
    anchor: Literal["start", "middle", "end"] = "start"
    colour: str = "#24292f"
    bold: bool = False


Shape = Box | Path | Dot | Words


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes in the order in which they are drawn, with a text for who cannot see them."""

    width: int
    height: int
    title: str
    description: str
    shapes: tuple[Shape, ...]


def width_of(text: str, size: float = 11.0) -> float:
    """Return about how wide a text is."""
    return len(text) * size * CHARACTER
