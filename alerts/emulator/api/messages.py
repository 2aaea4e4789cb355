"""HTTP requests and responses of the emulator."""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from breakerd.alerts.emulator.state.alert import Json
from breakerd.alerts.emulator.state.attachment import Attachment, parse_form


@dataclass(frozen=True, slots=True)
class Request:
    """HTTP request.

    Attributes:
        path: path as sent, percent-encoded.
        headers: names in lower case.
        body: the parsed JSON; the text if it is not JSON; None if empty. For a form, its texts, and
            name, type and size of each file.
        malformed: True if the body is neither JSON nor a form.
        files: files of a form, by field name.
        size: number of bytes of the body.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None
    malformed: bool = False
    files: dict[str, Attachment] = field(default_factory=dict)
    size: int = 0

    @classmethod
    def parse(cls, method: str, target: str, headers: Mapping[str, str], raw: bytes) -> Self:
        """Parse a request with the target "/path?query" and the body `raw`."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        lower = {name.lower(): value for name, value in headers.items()}
        body, files = _parse_body(lower.get("content-type", ""), raw)
        if body is None and raw.strip() not in {b"", b"null"}:
            text = raw.decode(errors="replace")
            return cls(method, url.path, query, lower, text, malformed=True, size=len(raw))
        return cls(method, url.path, query, lower, body, files=files, size=len(raw))

    @property
    def key(self) -> str:
        """API key in the GenieKey scheme; empty if there is none."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme == "GenieKey" else ""

    @property
    def basic(self) -> tuple[str, str]:
        """User and password in the Basic scheme (RFC 7617); both empty if there are none."""
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, password

    def masked_headers(self) -> dict[str, str]:
        """Return the headers with the key masked."""
        headers = dict(self.headers)
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0] + " ***"
        return headers


@dataclass(frozen=True, slots=True)
class Response:
    """HTTP response: JSON, or HTML if `content` is text.

    Attributes:
        late: seconds to wait before it is sent; infinite: it is never sent.
        part: fraction of the content that is sent, 0 to 1.
    """

    status: int
    content: Json | str
    headers: dict[str, str] = field(default_factory=dict)
    late: float = 0.0
    part: float = 1.0

    @property
    def content_type(self) -> str:
        """Media type of the content."""
        return "text/html; charset=utf-8" if isinstance(self.content, str) else "application/json"

    def encoded(self) -> bytes:
        """Return the bytes to send."""
        text = self.content if isinstance(self.content, str) else json.dumps(self.content)
        whole = text.encode()
        return whole[: math.ceil(len(whole) * self.part)]


def found(data: object, *, status: int = 200, **beside: object) -> Response:
    """Return a response with `data`, as for what was read or created."""
    return Response(status, {"data": data, **beside, **_closing()})


def done(result: str) -> Response:
    """Return the response to a change that is executed at once."""
    return Response(200, {"result": result, **_closing()})


def accepted(result: str, request_id: str | None = None) -> Response:
    """Return 202: the request will be executed later."""
    closing = _closing()
    return Response(
        202, {"result": result, **closing, "requestId": request_id or closing["requestId"]}
    )


def refused(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error in OpsGenie's form."""
    return Response(status, {"message": message, **_closing()}, headers or {})


def _parse_body(content_type: str, raw: bytes) -> tuple[object, dict[str, Attachment]]:
    """Return the parsed body and the files in it; a body of None cannot be parsed."""
    if content_type.lower().startswith("multipart/form-data"):
        form = parse_form(content_type, raw)
        if form is None:
            return None, {}
        texts, files = form
        shown = {
            name: {"name": file.name, "type": file.content_type, "size": len(file.content)}
            for name, file in files.items()
        }
        return {**texts, **shown}, files
    try:
        return json.loads(raw), {}
    except ValueError:
        return None, {}


def _closing() -> Json:
    return {"took": 0.001, "requestId": str(uuid4())}
