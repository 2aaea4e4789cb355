"""PNG of a drawing."""

from __future__ import annotations

import struct
import zlib

import pytest

from breakerd.alerts.pictures import font
from breakerd.alerts.pictures.bitmap import Bitmap
from breakerd.alerts.pictures.drawing import Box, Dot, Drawing, Path, Shape, Words
from breakerd.alerts.pictures.layout import draw
from breakerd.alerts.pictures.png import to_bitmap, to_png
from tests.support.charts import CHARTS

INK, GROUND = "#24292f", "#ffffff"


def chunks(picture: bytes) -> dict[bytes, bytes]:
    """Chunks of a PNG, each with the right check sum."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    found, at = {}, 8
    while at < len(picture):
        length, kind = struct.unpack_from(">I4s", picture, at)
        data = picture[at + 8 : at + 8 + length]
        (check,) = struct.unpack_from(">I", picture, at + 8 + length)
        assert check == zlib.crc32(kind + data)
        found[kind] = data
        at += 12 + length
    return found


@pytest.mark.parametrize("name", CHARTS)
def test_it_is_a_small_png_of_twice_the_size(name: str) -> None:
    drawing = draw(CHARTS[name])
    found = chunks(to_png(drawing))
    width, height, *kind = struct.unpack(">IIBBBBB", found[b"IHDR"])
    assert (width, height) == (2 * drawing.width, 2 * drawing.height)
    assert kind == [8, 3, 0, 0, 0]
    dots = zlib.decompress(found[b"IDAT"])
    assert len(dots) == (width + 1) * height
    assert max(dots) < len(found[b"PLTE"]) // 3
    assert len(to_png(drawing)) < 40_000


def painted(*shapes: Shape, width: int = 20, height: int = 20) -> list[str]:
    """Rows of a drawing with # where it is not the ground."""
    bitmap = to_bitmap(Drawing(width, height, "", "", shapes))
    return [
        "".join("." if bitmap.dot(x, y) == GROUND else "#" for x in range(bitmap.width)).rstrip(".")
        for y in range(bitmap.height)
    ]


def test_boxes_and_dots() -> None:
    assert painted(Box(1, 1, 2, 1, INK), width=4, height=3) == ["", "", "..####", "..####", "", ""]
    assert painted(Dot(2, 2, 1, INK), width=4, height=4)[2:7] == [
        "....#", "...###", "..#####", "...###", "....#",
    ]  # fmt: skip


def test_what_lies_outside_is_cut_off() -> None:
    assert painted(Box(-5, -5, 7, 6, INK), Box(9, 9, 9, 9, INK), width=3, height=2) == [
        "####", "####", "", "",
    ]  # fmt: skip


def test_lines_in_all_directions_and_dashes() -> None:
    assert painted(Path(((0, 1), (3, 1)), INK, 0.5), width=4, height=2)[2] == "#######"
    assert painted(Path(((1, 0), (1, 2)), INK, 0.5), width=2, height=3)[1] == "..#"
    assert painted(Path(((0, 0), (2, 2)), INK, 0.5), width=3, height=3)[2:4] == ["..#", "...#"]
    dashed = painted(Path(((0, 1), (8, 1)), INK, 0.5, 2), width=10, height=2)[2]
    assert dashed == "#####...#####"
    bent = painted(Path(((0, 1), (3, 1), (3, 1), (8, 1)), INK, 0.5, 2), width=10, height=2)[2]
    assert bent == dashed


def test_words_begin_end_or_have_their_middle_at_a_place() -> None:
    starts = painted(Words(10, 10, "II"), width=30)
    middle = painted(Words(16, 10, "II", anchor="middle"), width=30)
    ends = painted(Words(22, 10, "II", anchor="end"), width=30)
    assert starts == middle == ends
    bold = painted(Words(10, 10, "II", bold=True), width=30)
    assert sum(row.count("#") for row in bold) > sum(row.count("#") for row in starts)


def test_every_character_has_its_own_glyph() -> None:
    shown = [chr(code) for code in range(32, 127)]
    assert len({font.glyphs(each)[0] for each in shown}) == len(shown)
    assert all(len(rows) in {7, 9} for each in shown for rows in font.glyphs(each))


def test_other_characters_are_written_as_near_as_can_be() -> None:
    assert font.glyphs("é–…") == font.glyphs("e-...")  # noqa: RUF001
    assert font.glyphs("日") == [(31, 17, 17, 17, 17, 17, 31)]


def test_of_more_colours_than_a_palette_holds_the_rest_is_ground() -> None:
    bitmap = Bitmap(300, 1)
    for x in range(300):
        bitmap.fill(x, 0, 1, 1, f"#{x:06x}")
    assert bitmap.dot(254, 0) == "#0000fe"
    assert bitmap.dot(299, 0) == GROUND
    assert len(chunks(bitmap.to_png())[b"PLTE"]) == 256 * 3
