"""A Django project for a server: `tests.support.frameworks.django_host:wsgi`, or `:asgi`."""

from __future__ import annotations

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from breakerd.breaker.integrations import asgi as guard_asgi
from breakerd.breaker.integrations import wsgi as guard_wsgi
from tests.support.frameworks import views


def pay(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(views.pay())


async def async_pay(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(views.pay())


def wait(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(views.wait())


def crash(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(views.crash())


def stream(request: HttpRequest) -> StreamingHttpResponse:
    under_asgi = hasattr(request, "scope")
    return StreamingHttpResponse(views.async_stream() if under_asgi else views.stream())


def incoming(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(views.incoming())


def trip(_request: HttpRequest) -> JsonResponse:
    views.INCOMING.trip()
    return JsonResponse({})


urlpatterns = [
    path("pay", pay),
    path("async-pay", async_pay),
    path("wait", wait),
    path("crash", crash),
    path("stream", stream),
    path("incoming", incoming),
    path("trip", trip),
]
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
    MIDDLEWARE=[
        "django.middleware.common.CommonMiddleware",
        "breakerd.breaker.integrations.django.BreakerErrorMiddleware",
    ],
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,  # uvicorn's
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "loggers": {"django": {"handlers": ["console"], "level": "INFO"}},
    },
)
wsgi = guard_wsgi.BreakerMiddleware(get_wsgi_application(), views.INCOMING, exclude=views.UNGUARDED)
asgi = guard_asgi.BreakerMiddleware(get_asgi_application(), views.INCOMING, exclude=views.UNGUARDED)
