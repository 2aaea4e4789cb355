from __future__ import annotations

import httpx
import pytest

from breakerd.alerts.emulator import Attachment
from breakerd.alerts.emulator.state.attachment import parse_form

PNG = bytes(range(256)) + b"\r\n--not-the-boundary\r\n"
NESTED = b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--"


def form(**parts: object) -> tuple[str, bytes]:
    request = httpx.Request("POST", "http://x", files=parts)  # type: ignore[arg-type]  # of many kinds
    return request.headers["content-type"], request.read()


def test_texts_and_files_are_told_apart_and_bytes_are_kept() -> None:
    content_type, raw = form(file=("chart.png", PNG, "image/png"), user=(None, "ann"))
    parsed = parse_form(content_type, raw)
    assert parsed == ({"user": "ann"}, {"file": Attachment("chart.png", "image/png", PNG)})


def test_a_name_may_have_any_letters() -> None:
    content_type, raw = form(file=("Übersicht 1.png", PNG, "image/png"))
    parsed = parse_form(content_type, raw)
    assert parsed is not None
    assert list(parsed[1]) == ["file"]


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [
        ("multipart/form-data", b"--b\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n'),
        (
            "multipart/form-data; boundary=b",
            NESTED,
        ),
    ],
)
def test_what_is_no_whole_form_is_none(content_type: str, raw: bytes) -> None:
    assert parse_form(content_type, raw) is None
