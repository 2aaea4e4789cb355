"""SVG of a drawing: well-formed, with no outside address, style sheet or script."""

import re
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from breakerd.alerts.pictures.drawing import Box, Dot, Drawing, Path, Shape, Words
from breakerd.breaker.encoding.printable import printable

_NOT_XML: Final = re.compile(r"[\ufffe\uffff]")
"""Characters that are printable, and not allowed in XML."""


def to_svg(drawing: Drawing, key: str = "chart") -> str:
    """Return the drawing as an SVG element, for a file of its own or for an HTML page.

    Args:
        drawing: the drawing.
        key: prefix of its ids; different for each of a page. ASCII letters, digits and hyphens.
    """
    return "\n".join(_lines(drawing, key))


def _lines(drawing: Drawing, key: str) -> Iterator[str]:
    size = f'width="{drawing.width}" height="{drawing.height}"'
    box = f'viewBox="0 0 {drawing.width} {drawing.height}"'
    named = f'role="img" aria-labelledby="{key}-title {key}-desc"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} {named}>'
    yield f'<title id="{key}-title">{_text(drawing.title)}</title>'
    yield f'<desc id="{key}-desc">{_text(drawing.description)}</desc>'
    yield '<g font-family="system-ui, sans-serif">'
    yield from map(_element, drawing.shapes)
    yield "</g>"
    yield "</svg>"


def _element(shape: Shape) -> str:
    match shape:
        case Box():
            size = f'width="{shape.width:.5g}" height="{shape.height:.5g}"'
            return f'<rect x="{shape.x:.5g}" y="{shape.y:.5g}" {size} fill="{shape.fill}"/>'
        case Path():
            return _path(shape)
        case Dot():
            at = f'cx="{shape.x:.5g}" cy="{shape.y:.5g}"'
            return f'<circle {at} r="{shape.radius:g}" fill="{shape.fill}"/>'
        case Words():
            return _words(shape)


def _path(path: Path) -> str:
    points = " ".join(f"{x:.5g},{y:.5g}" for x, y in path.points)
    dash = f' stroke-dasharray="{path.dash:g}"' if path.dash else ""
    line = f'stroke="{path.colour}" stroke-width="{path.width:g}" stroke-linejoin="round"{dash}'
    return f'<polyline points="{points}" fill="none" {line}/>'


def _words(words: Words) -> str:
    bold = ' font-weight="bold"' if words.bold else ""
    anchor = "" if words.anchor == "start" else f" text-anchor={quoteattr(words.anchor)}"
    look = f'font-size="{words.size:g}" fill="{words.colour}"{anchor}{bold}'
    return f'<text x="{words.x:.5g}" y="{words.y:.5g}" {look}>{_text(words.text)}</text>'


def _text(text: str) -> str:
    """Return a text as XML may hold it: markup escaped, and no control characters."""
    return escape(_NOT_XML.sub("\ufffd", printable(text)))
