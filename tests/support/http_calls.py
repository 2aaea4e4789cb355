"""Requests that must succeed."""

from __future__ import annotations

from typing import Any

import httpx


def get(http: httpx.Client, path: str) -> Any:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(http: httpx.Client, path: str, body: object = None) -> Any:
    answer = http.post(path, json=body) if body is not None else http.post(path)
    assert answer.status_code == 200, answer.text
    return answer.json()
