"""A FastAPI service that guards a dependency and carries the admin plane.

Run it (needs `pip install '.[api]'` in a clone), then look at http://127.0.0.1:8000/ops/dashboard/:

    uvicorn --app-dir examples fastapi_app:app

`GET /pay` calls a payment provider. Ask for `/pay?fail=true` five times: the breaker opens, and
`/pay` answers 503 with `Retry-After`. The breaker's state is at `/ops/breakers/payments/status`.
Settings come from breakers.toml beside this file, which is watched while the service runs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from breakerd import Alerting, Registry, admin_router
from breakerd.breaker.integrations.asgi import BreakerMiddleware

FILE = Path(__file__).with_name("breakers.toml")
registry = Registry.from_file(FILE)
alerting = Alerting.from_file(FILE, registry)
payments = registry.get("payments")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Alert while the service runs; stop the threads with it."""
    with registry, alerting:
        yield


app = FastAPI(lifespan=lifespan)
# Guards the requests that come in, and turns BreakerOpenError into a 503 problem document.
app.add_middleware(
    BreakerMiddleware, breaker=registry.get("incoming"), exclude=("/ops/*",), timeout=5
)
app.include_router(admin_router(registry, alerting), prefix="/ops")


@payments.guarded(timeout=0.8)
async def charge(*, fail: bool) -> str:
    """Charge a card with the payment provider. A real one would be awaited here."""
    if fail:
        raise ConnectionError("the provider is down")
    return "paid"


@app.get("/pay")
async def pay(*, fail: bool = False) -> JSONResponse:
    """Pay, or let the provider fail."""
    try:
        return JSONResponse({"result": await charge(fail=fail)})
    except ConnectionError as error:  # the breaker has counted it already
        return JSONResponse({"error": str(error)}, status_code=502)
