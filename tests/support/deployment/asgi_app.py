"""A FastAPI service as the README embeds breakerd in it."""

import os
from typing import Any

from fastapi import FastAPI

from breakerd import Breakerd
from tests.support.deployment.answers import answer

breakers = Breakerd.from_file(os.environ["SERVICE_FILE"])
payments = breakers.get("payments")
app = FastAPI()
app.include_router(breakers.admin_router(), prefix="/ops")


@app.get("/{action}")
async def ask(action: str) -> dict[str, Any]:
    return answer(breakers, payments, action)
