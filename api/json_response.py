"""JSON answers without infinity and NaN, whatever the figures are."""

from fastapi.responses import JSONResponse as _JSONResponse

from breakerd.breaker.encoding.strict_json import dumps


class JSONResponse(_JSONResponse):
    """A JSON answer in which a number that is not finite is null."""

    def render(self, content: object) -> bytes:
        """Return `content` as JSON in UTF-8."""
        return dumps(content, compact=True).encode()
