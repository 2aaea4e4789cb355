"""A FastAPI service that guards a dependency and carries the admin plane.

Run it (needs `pip install '.[api]'` in a clone), then look at http://127.0.0.1:8000/ops/dashboard/:

    uvicorn --app-dir examples fastapi_app:app

`GET /pay` calls a payment provider. Ask for `/pay?fail=true` five times: the breaker opens, and
`/pay` answers 503 with `Retry-After`. The breaker's state is at `/ops/breakers/payments/status`.
Settings come from breakers.toml beside this file, which is watched while the service runs.
"""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from breakerd import Breakerd
from breakerd.breaker.integrations.asgi import BreakerMiddleware

breakers = Breakerd.from_file(Path(__file__).with_name("breakers.toml"))
payments = breakers.get("payments")

app = FastAPI()
# Guards the requests that come in, and turns BreakerOpenError into a 503 problem document.
app.add_middleware(
    BreakerMiddleware, breaker=breakers.get("incoming"), exclude=("/ops/*",), timeout=5
)
# Starts breakers and alerting with the application, and ends them with it.
app.include_router(breakers.admin_router(), prefix="/ops")


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
