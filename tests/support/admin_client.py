"""HTTP client of an application in the same process."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from breakerd.api.security.made_token import MadeToken


class Client:
    """Send requests to `app` as if from `address`, with the host in `base_url`.

    They carry the token that is made in the working directory; those of a stranger carry none.
    """

    def __init__(
        self,
        app: FastAPI,
        *,
        base_url: str = "http://127.0.0.1:8080",
        address: str = "127.0.0.1",
        stranger: bool = False,
    ) -> None:
        self._app = app
        self._base_url = base_url
        self._address = address
        self._stranger = stranger

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def patch(self, path: str, **more: Any) -> httpx.Response:
        return self.request("PATCH", path, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", path, **more)

    async def _request(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(
            self._app, raise_app_exceptions=False, client=(self._address, 50000)
        )
        async with httpx.AsyncClient(
            transport=transport, base_url=self._base_url, headers=self._headers()
        ) as client:
            return await client.request(method, path, **more)

    def _headers(self) -> dict[str, str]:
        token = None if self._stranger else MadeToken().get()
        return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
