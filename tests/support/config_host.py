"""An ASGI application with an admin plane, whose answers say which worker has given them."""

import os
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from breakerd import Breakerd

breakers = Breakerd.from_file(os.environ["BREAKERS"], memory=lambda: 0.1)
app = FastAPI()
app.include_router(breakers.admin_router(), prefix="/ops")


@app.middleware("http")
async def tell_worker(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers["X-Worker"] = str(os.getpid())
    return response
