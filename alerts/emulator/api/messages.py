"""A request and its answer, as they go over the wire, and what is kept of them."""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from breakerd.alerts.emulator.state.alert import Json, rfc3339
from breakerd.alerts.emulator.state.attachment import Attachment, parse_form


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        path: as it was sent, percent-encoded.
        headers: names in lower case.
        body: the JSON of the body, or its text where it is none; None if it was empty. Of a form,
            its texts, and of each of its files the name, type and size.
        malformed: whether the body was neither JSON nor a form.
        files: the files of a form, by their names in it.
        size: bytes of the body.
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
        """The request with that target ("/path?query") and that body."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        lower = {name.lower(): value for name, value in headers.items()}
        body, files = _understood(lower.get("content-type", ""), raw)
        if body is None and raw.strip() not in {b"", b"null"}:
            text = raw.decode(errors="replace")
            return cls(method, url.path, query, lower, text, malformed=True, size=len(raw))
        return cls(method, url.path, query, lower, body, files=files, size=len(raw))

    @property
    def key(self) -> str:
        """The API key, empty if there is none in the GenieKey scheme."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme == "GenieKey" else ""

    @property
    def basic(self) -> tuple[str, str]:
        """User and password, both empty if there are none in the Basic scheme (RFC 7617)."""
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, password

    def without_secret(self) -> dict[str, str]:
        """The headers, of the key only its scheme."""
        headers = dict(self.headers)
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0] + " ***"
        return headers


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: JSON, or a page if `content` is text.

    Attributes:
        late: seconds that it waits; infinite, and it never goes out.
        part: share of its content that goes out, 0 to 1.
    """

    status: int
    content: Json | str
    headers: dict[str, str] = field(default_factory=dict)
    late: float = 0.0
    part: float = 1.0

    @property
    def content_type(self) -> str:
        """What the content is."""
        return "text/html; charset=utf-8" if isinstance(self.content, str) else "application/json"

    def encoded(self) -> bytes:
        """The content as it is sent."""
        text = self.content if isinstance(self.content, str) else json.dumps(self.content)
        whole = text.encode()
        return whole[: math.ceil(len(whole) * self.part)]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What is kept of one request to OpsGenie's API.

    Attributes:
        at: when it came in, seconds since the epoch.
        headers: names in lower case, the key hidden.
        body: the JSON of the body; its text where it was none; None if it was empty.
        status: what was answered; 0 if nothing was.
        fault: the kind of fault that it met; empty if none.
        throttled: whether it came inside a window in which all are answered with 429.
        warned: whether it came although an earlier 429 had asked for a pause, which was not over.
    """

    at: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object
    status: int
    fault: str = ""
    throttled: bool = False
    warned: bool = False

    def as_json(self) -> Json:
        """The entry as `GET /emulator/journal` shows it."""
        return asdict(self) | {"at": rfc3339(self.at)}


def found(data: object, *, status: int = 200, **beside: object) -> Response:
    """What was asked for, or made."""
    return Response(status, {"data": data, **beside, **_closing()})


def done(result: str) -> Response:
    """A change that was made at once, with nothing to show."""
    return Response(200, {"result": result, **_closing()})


def accepted(result: str, request_id: str | None = None) -> Response:
    """202: it will be done."""
    closing = _closing()
    return Response(
        202, {"result": result, **closing, "requestId": request_id or closing["requestId"]}
    )


def refused(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error in OpsGenie's form."""
    return Response(status, {"message": message, **_closing()}, headers or {})


def _understood(content_type: str, raw: bytes) -> tuple[object, dict[str, Attachment]]:
    """What the body says, and the files in it; None if it says nothing that can be understood."""
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
