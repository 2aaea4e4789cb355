"""Answer a rejected or late call inside a Starlette or FastAPI endpoint by 503 or 504."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from breakerd.breaker.errors import BreakerOpenError, DeadlineExceeded
from breakerd.breaker.integrations._handled_error import set_handled_error
from breakerd.breaker.integrations.problem import ProblemResponse


def handle_breaker_errors(app: Starlette) -> None:
    """Register exception handlers for `BreakerOpenError` and `DeadlineExceeded`.

    An endpoint that raises the first is answered by 503 with `Retry-After`, the second by 504, both
    as `application/problem+json` (RFC 9457). The middleware that is added by `app.add_middleware`
    does so too, for the endpoints of that application. Register handlers where there is none, where
    it is put around the application as a whole, and in each mounted application, all of which
    answer exceptions by 500 themselves.

    Not answered: exceptions in other middlewares, in websockets and background tasks, and in a
    stream that has begun, which the server cuts off.

    Args:
        app: the application; a FastAPI application is one of Starlette's.

    Example:
        app = FastAPI()
        handle_breaker_errors(app)
    """
    app.add_exception_handler(BreakerOpenError, _answer)
    app.add_exception_handler(DeadlineExceeded, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    if request.scope["type"] != "http" or not isinstance(
        error, BreakerOpenError | DeadlineExceeded
    ):
        raise error  # a websocket has no response
    problem = ProblemResponse.of(error, request.scope["path"])
    set_handled_error(request.scope, problem.status, error)
    return Response(
        problem.content(request.method), status_code=problem.status, headers=dict(problem.headers)
    )
