"""Answer a rejected or late call inside a Django view by 503 or 504."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response

from breakerd.breaker.errors import BreakerOpenError, DeadlineExceeded
from breakerd.breaker.integrations._environ import request_path
from breakerd.breaker.integrations._handled_error import set_handled_error
from breakerd.breaker.integrations.problem import ProblemResponse

GetResponse = Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]


class BreakerErrorMiddleware:
    """Answer `BreakerOpenError` and `DeadlineExceeded` that a view raises.

    The first is answered by 503 with `Retry-After`, the second by 504, both as
    `application/problem+json` (RFC 9457), with `DEBUG` and under test too. Without it Django
    answers 500 before a WSGI or ASGI middleware around it sees the exception. It works under WSGI
    and ASGI with sync and async views, and takes no thread of its own.

    Put it last in `MIDDLEWARE`: of several middlewares Django asks the last one first what to make
    of an exception, and the others see the response as they see any other.

    The response is logged as a warning, without a traceback: at the level of an error, Django would
    mail it to `ADMINS` for each rejected request.

    Not answered: exceptions in other middlewares, which Django answers by 500, and in a stream that
    has begun, which the server cuts off.

    Args:
        get_response: the next handler, as Django passes it.

    Example:
        MIDDLEWARE = [..., "breakerd.breaker.integrations.django.BreakerErrorMiddleware"]
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """Pass the request on; under ASGI, return what is to be awaited."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the response to a view that raised `error`; None leaves it to others."""
        if not isinstance(error, BreakerOpenError | DeadlineExceeded):
            return None
        environ = getattr(request, "environ", None)  # only under WSGI
        path = request.path if environ is None else request_path(environ)
        problem = ProblemResponse.of(error, path)
        set_handled_error(request.scope if environ is None else environ, problem.status, error)
        response = HttpResponse(
            problem.content(request.method), status=problem.status, headers=dict(problem.headers)
        )
        log_response(
            "%s: %s: %s",
            *(problem.status.phrase, request.path, error),
            response=response,
            request=request,
            level="warning",
        )
        return response
