"""Routes for one breaker's settings: one by one as in go-breaker, and all of them together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from breakerd.api.http.admin import BreakerOperation, OperationDep
from breakerd.api.problems import Responses, openapi_responses
from breakerd.api.schemas.requests import (
    LatencyThreshold,
    MemoryThreshold,
    Percentile,
    RequestBody,
    SettingsChange,
    Toggle,
    WaitTime,
    WindowSize,
)
from breakerd.api.schemas.responses import Number, SettingResponses, setting_responses
from breakerd.breaker.runtime.status import whole
from breakerd.breaker.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingEndpoint:
    """A setting with a path of its own.

    Attributes:
        path: path of both operations below a breaker's.
        name: suffix of the operations' ids, `get_…` and `set_…`.
        setting: name of the setting in the file.
        body: what a POST takes; it has one field.
        responses: what a GET and a POST answer.
        read: description of the GET.
        write: description of the POST.
        message: text of a POST's response, made from the value in force.
        parse: converts the body's value to the setting's.
        show: converts the setting's value to the response's.
    """

    path: str
    name: str
    setting: str
    body: type[RequestBody]
    responses: SettingResponses
    read: str
    write: str
    message: Callable[[Any], str]
    parse: Callable[[Any], Any] = lambda value: value
    show: Callable[[Any], Any] = lambda value: value

    def get(self, operation: BreakerOperation) -> BaseModel:
        """Answer with the value in force."""
        return self.responses.current(self._value(operation.breaker.settings))

    def set(self, operation: BreakerOperation, body: RequestBody) -> BaseModel:
        """Change the setting, and answer with the value in force."""
        (sent,) = dict(body).values()
        value = self._value(operation.change({self.setting: self.parse(sent)}))
        return self.responses.updated(value, message=self.message(value))

    def _value(self, settings: Settings) -> Any:
        return self.show(getattr(settings, self.setting))


_ENDPOINTS: Final = (
    SettingEndpoint(
        path="/memory",
        name="memory",
        setting="memory_threshold",
        body=MemoryThreshold,
        responses=setting_responses(
            "Memory", "Percent of the memory limit.", float, 80.0, "memory"
        ),
        read="Memory threshold: percent of the memory limit at which calls are rejected.",
        write="Set the memory threshold, in percent of the memory limit.",
        message="Memory threshold set to {:g} %".format,
    ),
    SettingEndpoint(
        path="/latency",
        name="latency",
        setting="latency_threshold",
        body=LatencyThreshold,
        responses=setting_responses("Latency", "Milliseconds.", Number, 1500, "latency"),
        read="Latency threshold, in milliseconds.",
        write="Set the latency threshold, in milliseconds.",
        message="Latency threshold set to {} ms".format,
        parse=whole,
        show=whole,
    ),
    SettingEndpoint(
        path="/latency-window-size",
        name="window_size",
        setting="latency_window_size",
        body=WindowSize,
        responses=setting_responses(
            "WindowSize", "Calls; `latency` is go-breaker's name of it.", int, 64, "latency", "size"
        ),
        read="Number of latest calls that the latency percentile is taken over.",
        write="Set the number of latest calls in the window; the newest ones are kept.",
        message="Latency window size set to {}".format,
    ),
    SettingEndpoint(
        path="/percentile",
        name="percentile",
        setting="percentile",
        body=Percentile,
        responses=setting_responses("Percentile", "A fraction.", float, 0.95, "percentile"),
        read="Percentile of latency that is compared with the threshold, as a fraction.",
        write="Set the percentile of latency, as a fraction or as a percentage.",
        message="Percentile set to {:g}".format,
        parse=lambda value: value if value < 1 else round(value / 100, 12),
    ),
    SettingEndpoint(
        path="/wait",
        name="wait",
        setting="wait_time",
        body=WaitTime,
        responses=setting_responses("Wait", "Seconds.", Number, 10, "wait"),
        read="Seconds that a tripped breaker stays open before it probes.",
        write="Set the seconds that a tripped breaker stays open before it probes.",
        message="Wait set to {} s".format,
        parse=whole,
        show=whole,
    ),
    SettingEndpoint(
        path="/trend-analysis",
        name="trend_analysis",
        setting="trend_analysis_enabled",
        body=Toggle,
        responses=setting_responses(
            "TrendAnalysis", "True if trend analysis is on.", bool, None, "trend_analysis"
        ),
        read="True if latency trips the breaker only while it rises or stays above the threshold.",
        write="Turn trend analysis on or off.",
        message=lambda enabled: f"Trend analysis turned {'on' if enabled else 'off'}",
    ),
)


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes, without the breaker's prefix. Changes apply at once, and to the file."""
    router = APIRouter(route_class=route_class, tags=["settings"])
    for endpoint in _ENDPOINTS:
        _add_getter(router, endpoint)
    all_settings: Responses = {200: {"model": Settings, "description": "The settings in force."}}
    router.get("/config", response_model=None, responses=all_settings)(get_config)
    not_written = openapi_responses(409)
    for endpoint in _ENDPOINTS:
        _add_setter(router, endpoint, not_written)
    router.patch("/config", response_model=None, responses=all_settings | not_written)(
        change_config
    )
    return router


def _add_getter(router: APIRouter, endpoint: SettingEndpoint) -> None:
    def get(operation: OperationDep) -> BaseModel:
        return endpoint.get(operation)

    router.get(
        endpoint.path,
        name=f"get_{endpoint.name}",
        description=endpoint.read,
        response_model=endpoint.responses.read_model,
    )(get)


def _add_setter(router: APIRouter, endpoint: SettingEndpoint, responses: Responses) -> None:
    def set_(operation: OperationDep, body: RequestBody) -> BaseModel:
        return endpoint.set(operation, body)

    # FastAPI validates the body by this annotation.
    set_.__annotations__["body"] = endpoint.body
    router.post(
        endpoint.path,
        name=f"set_{endpoint.name}",
        description=endpoint.write,
        response_model=endpoint.responses.updated_model,
        responses=responses,
    )(set_)


def get_config(operation: OperationDep) -> JSONResponse:
    """Return all settings in force, by their names in the file."""
    return _dump(operation.breaker.settings)


def change_config(operation: OperationDep, body: SettingsChange) -> JSONResponse:
    """Change any settings together: all of them, or none if one is wrong."""
    changes = body.changes()
    return _dump(operation.change(changes) if changes else operation.breaker.settings)


def _dump(settings: Settings) -> JSONResponse:
    return JSONResponse(settings.model_dump(mode="json"))
