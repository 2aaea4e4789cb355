"""Bitmaps with at most 256 colours, and the PNG of one. Coordinates are in dots.

Source of the format: https://www.w3.org/TR/png-3/
"""

import struct
import zlib
from typing import Final

_MAX_COLOURS: Final = 256
_INDEXED: Final = 3
"""Colour type of a picture with a palette."""
_COMPRESSION: Final = 6


class Bitmap:
    """Bitmap to be drawn on. Whatever lies outside is cut off. Not thread-safe.

    Args:
        width: width in dots.
        height: height in dots.
        background: colour of all dots, `#rrggbb`.
    """

    def __init__(self, width: int, height: int, background: str = "#ffffff") -> None:
        self.width = width
        self.height = height
        self._colours = {background: 0}
        self._rows = [bytearray(width) for _ in range(height)]

    def dot(self, x: int, y: int) -> str:
        """Return the colour of a dot.

        Raises:
            IndexError: it lies outside.
        """
        return list(self._colours)[self._rows[y][x]]

    def fill(self, x: int, y: int, width: int, height: int, colour: str) -> None:
        """Fill a rectangle."""
        left, right = max(0, x), min(self.width, x + width)
        if right <= left:
            return
        run = bytes([self._index(colour)]) * (right - left)
        for row in self._rows[max(0, y) : max(0, y + height)]:
            row[left:right] = run

    def line(self, start: tuple[int, int], end: tuple[int, int], width: int, colour: str) -> None:
        """Draw a straight line."""
        (x0, y0), (x1, y1) = start, end
        half = width // 2
        flat = abs(x1 - x0) >= abs(y1 - y0)
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            x = x0 + round((x1 - x0) * step / steps)
            y = y0 + round((y1 - y0) * step / steps)
            if flat:
                self.fill(x, y - half, 1, width, colour)
            else:
                self.fill(x - half, y, width, 1, colour)

    def disc(self, x: int, y: int, radius: int, colour: str) -> None:
        """Fill a circle."""
        for row in range(-radius, radius + 1):
            reach = int((radius * radius - row * row) ** 0.5)
            self.fill(x - reach, y + row, 2 * reach + 1, 1, colour)

    def to_png(self) -> bytes:
        """Return the bitmap as a PNG."""
        palette = b"".join(bytes.fromhex(colour[1:]) for colour in self._colours)
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, _INDEXED, 0, 0, 0)
        dots = b"".join(b"\0" + row for row in self._rows)
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            [
                _chunk(b"IHDR", head),
                _chunk(b"PLTE", palette),
                _chunk(b"IDAT", zlib.compress(dots, _COMPRESSION)),
                _chunk(b"IEND", b""),
            ]
        )

    def _index(self, colour: str) -> int:
        if colour not in self._colours and len(self._colours) < _MAX_COLOURS:
            self._colours[colour] = len(self._colours)
        return self._colours.get(colour, 0)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
