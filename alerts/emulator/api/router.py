"""Which operation a request asks for, by its method and its path."""

import re
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar
from urllib.parse import unquote

from breakerd.alerts.emulator.api.messages import Request, Response, refused

C = TypeVar("C")

Operation = Callable[..., Response]
"""Takes what carries the request, and what its path holds in braces."""


class ApiError(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def answer(self) -> Response:
        """The error in OpsGenie's form."""
        return refused(self.status, self.message)


class Routes(Generic[C]):
    """Operations by method and path template; of two that match, the one that is listed first."""

    def __init__(self, operations: Mapping[tuple[str, str], Operation]) -> None:
        self._patterns: Final = [
            (method, re.compile(re.sub(r"{\w+}", "([^/]+)", path)), operation)
            for (method, path), operation in operations.items()
        ]

    def answer(self, call: C, request: Request) -> Response:
        """Has the operation answer that `request` asks for.

        Raises:
            ApiError: there is none.
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
