"""A Django service in one file: a guard around a dependency, and middleware around the service.

Run it (needs `pip install . django` in a clone):

    python examples/django_app.py runserver

or under any WSGI server: `gunicorn --chdir examples django_app:application`. `GET /pay` calls a
payment provider. Ask for `/pay?fail=1` five times: the breaker opens, and `/pay` answers 503 with
`Retry-After`. In a project, the lines marked [1] belong in views.py, [2] in wsgi.py and [3] in
settings.py.
"""

import sys
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from breakerd import Breakerd
from breakerd.breaker.integrations.wsgi import BreakerMiddleware

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    WSGI_APPLICATION=f"{__name__}.application",
    # BreakerOpenError in a view is a 503 problem document. [3]
    MIDDLEWARE=["breakerd.breaker.integrations.django.BreakerErrorMiddleware"],
    SECRET_KEY="of an example, not secret",  # noqa: S106 - as it says
)

# Settings, alerting and saved state start with the first call, in each worker.
breakers = Breakerd.from_file(Path(__file__).with_name("breakers.toml"))  # [1]
payments = breakers.get("payments")  # [1]


@payments.guarded(timeout=0.8)  # [1]
def charge(*, fail: bool) -> str:
    """Charge a card with the payment provider. A real one would be called here."""
    if fail:
        raise ConnectionError("the provider is down")
    return "paid"


def pay(request: HttpRequest) -> JsonResponse:  # [1]
    """Pay, or let the provider fail."""
    try:
        return JsonResponse({"result": charge(fail="fail" in request.GET)})
    except ConnectionError as error:
        return JsonResponse({"error": str(error)}, status=502)


urlpatterns = [path("pay", pay)]
application = BreakerMiddleware(get_wsgi_application(), breakers.get("incoming"), timeout=5)  # [2]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
