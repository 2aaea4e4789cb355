"""Routes requests to operations, by method and path."""

import re
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar
from urllib.parse import unquote

from breakerd.alerts.emulator.api.messages import Request, Response, refused

C = TypeVar("C")

Operation = Callable[..., Response]
"""Takes the request in progress, and the parameters of its path."""


class ApiError(Exception):
    """The response is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def response(self) -> Response:
        """Error in OpsGenie's form."""
        return refused(self.status, self.message)


class Router(Generic[C]):
    """Operations by method and path template; of several that match, the first wins."""

    def __init__(self, operations: Mapping[tuple[str, str], Operation]) -> None:
        self._patterns: Final = [
            (method, re.compile(re.sub(r"{\w+}", "([^/]+)", path)), operation)
            for (method, path), operation in operations.items()
        ]

    def respond(self, call: C, request: Request) -> Response:
        """Run the operation for `request` and return its response.

        Raises:
            ApiError: no operation matches.
        """
        allowed = set()
        for method, pattern, operation in self._patterns:
            if match := pattern.fullmatch(request.path):
                if method == request.method:
                    return operation(call, *(unquote(name) for name in match.groups()))
                allowed.add(method)
        if allowed:
            raise ApiError(405, f"{request.path} takes {', '.join(sorted(allowed))}")
        raise ApiError(501, f"{request.method} {request.path} is not emulated")
