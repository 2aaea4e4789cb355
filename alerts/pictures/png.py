"""PNG of a drawing, for receivers of alerts that show no SVG.

Slack's image blocks take png, jpg and gif only: https://docs.slack.dev/reference/block-kit/blocks/image-block
"""

import math
from typing import Final

from breakerd.alerts.pictures import font
from breakerd.alerts.pictures.bitmap import Bitmap
from breakerd.alerts.pictures.drawing import Box, Dot, Drawing, Path, Words

_SCALE: Final = 2
"""Dots for a unit of the drawing."""
_DOT: Final = 5.5
"""Size of words for each dot of a character."""


def to_png(drawing: Drawing) -> bytes:
    """Return the drawing as a PNG of twice its size in dots."""
    return to_bitmap(drawing).to_png()


def to_bitmap(drawing: Drawing) -> Bitmap:
    """Return the drawing as a bitmap of twice its size in dots."""
    bitmap = Bitmap(drawing.width * _SCALE, drawing.height * _SCALE)
    for shape in drawing.shapes:
        match shape:
            case Box():
                _draw_box(bitmap, shape)
            case Path():
                _draw_path(bitmap, shape)
            case Dot():
                bitmap.disc(_dots(shape.x), _dots(shape.y), _dots(shape.radius), shape.fill)
            case Words():
                _draw_words(bitmap, shape)
    return bitmap


def _draw_box(bitmap: Bitmap, box: Box) -> None:
    left, top = _dots(box.x), _dots(box.y)
    width = max(1, _dots(box.x + box.width) - left)
    height = max(1, _dots(box.y + box.height) - top)
    bitmap.fill(left, top, width, height, box.fill)


def _draw_path(bitmap: Bitmap, path: Path) -> None:
    width, gone = max(1, _dots(path.width)), 0.0
    for (x0, y0), (x1, y1) in zip(path.points, path.points[1:], strict=False):
        length = math.hypot(x1 - x0, y1 - y0)
        for begin, end in _strokes(gone, length, path.dash):
            start = _between(x0, y0, x1, y1, begin / length if length else 0.0)
            stop = _between(x0, y0, x1, y1, end / length if length else 1.0)
            bitmap.line(start, stop, width, path.colour)
        gone += length


def _strokes(gone: float, length: float, dash: float) -> list[tuple[float, float]]:
    """Return which stretches of a segment are drawn; `gone` is how long the line is before it."""
    if not dash:
        return [(0.0, length)]
    first = math.floor(gone / (2 * dash))
    last = math.floor((gone + length) / (2 * dash))
    begins = [2 * dash * number - gone for number in range(first, last + 1)]
    cut = [(max(0.0, begin), min(length, begin + dash)) for begin in begins]
    return [(begin, end) for begin, end in cut if begin < end]


def _between(x0: float, y0: float, x1: float, y1: float, share: float) -> tuple[int, int]:
    return _dots(x0 + (x1 - x0) * share), _dots(y0 + (y1 - y0) * share)


def _draw_words(bitmap: Bitmap, words: Words) -> None:
    found = font.glyphs(words.text)
    dot = max(1, round(words.size / _DOT))
    width = len(found) * font.ADVANCE * dot
    back = {"start": 0, "middle": width // 2, "end": width}[words.anchor]
    x, y = _dots(words.x) - back, _dots(words.y) - font.HEIGHT * dot
    for rows in found:
        for row, bits in enumerate(rows):
            for column in range(font.WIDTH):
                if bits >> (font.WIDTH - 1 - column) & 1:
                    at = x + column * dot, y + row * dot
                    bitmap.fill(*at, dot + words.bold, dot, words.colour)
        x += font.ADVANCE * dot


def _dots(length: float) -> int:
    return round(length * _SCALE)
