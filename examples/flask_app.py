"""A Flask service: a guard around a dependency, error handlers, and middleware around the service.

Run it (needs `pip install . flask` in a clone):

    flask --app examples/flask_app.py run

`GET /pay` calls a payment provider. Ask for `/pay?fail=1` five times: the breaker opens, and
`/pay` answers 503 with `Retry-After`, without calling the provider. Settings come from
breakers.toml beside this file, which is watched while the service runs.
"""

from pathlib import Path

from flask import Flask, request

from breakerd import Breakerd
from breakerd.breaker.integrations.flask import handle_breaker_errors
from breakerd.breaker.integrations.wsgi import BreakerMiddleware

# Settings, alerting and saved state start with the first call, in each worker.
breakers = Breakerd.from_file(Path(__file__).with_name("breakers.toml"))
payments = breakers.get("payments")

app = Flask(__name__)
handle_breaker_errors(app)  # BreakerOpenError in a view is a 503 problem document
app.wsgi_app = BreakerMiddleware(  # type: ignore[method-assign]
    app.wsgi_app, breakers.get("incoming"), timeout=5
)


class ProviderError(Exception):
    """The payment provider did not take the payment."""


@payments.guarded(timeout=0.8)
def charge(*, fail: bool) -> str:
    """Charge a card with the payment provider. A real one would be called here."""
    if fail:
        raise ProviderError("the provider is down")
    return "paid"


@app.errorhandler(ProviderError)
def provider_failed(error: ProviderError) -> tuple[dict[str, str], int]:
    """Answer 502 where the provider failed; the breaker has counted it already."""
    return {"error": str(error)}, 502


@app.get("/pay")
def pay() -> dict[str, str]:
    """Pay, or let the provider fail."""
    return {"result": charge(fail="fail" in request.args)}
