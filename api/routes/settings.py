"""Routes for one breaker's settings: one by one as in go-breaker, and all of them together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, create_model

from breakerd.api.config_changes.change import breaker_view, change_breaker, preview_breaker
from breakerd.api.config_changes.etag import etag_of
from breakerd.api.config_changes.options import OptionsDep
from breakerd.api.http.admin import BreakerOperation, OperationDep
from breakerd.api.json_response import JSONResponse
from breakerd.api.problems import Responses, openapi_responses
from breakerd.api.schemas.config_log import ConfigPreview
from breakerd.api.schemas.config_patch import SettingsPatch
from breakerd.api.schemas.requests import (
    LatencyThreshold,
    MemoryThreshold,
    Percentile,
    RequestBody,
    Toggle,
    WaitTime,
    WindowSize,
)
from breakerd.api.schemas.responses import (
    ChangedSettings,
    Number,
    ResponseBody,
    SettingChanged,
)
from breakerd.breaker.runtime.status import whole
from breakerd.breaker.settings import Settings


@dataclass
class SettingEndpoint:
    """GET and POST of one setting.

    Attributes:
        name: suffix of the operations' ids, and of the names of the response models.
        path: path below the breaker's.
        setting: name of the setting in the file.
        body: what a POST takes.
        value: type of the value in responses, and an example.
        unit: description of the responses.
        read: description of the GET.
        write: description of the POST.
        message: text of a POST's response, made from the value in force.
        keys: keys of the value in responses; the name by default.
    """

    name: str
    path: str
    setting: str
    body: type[RequestBody]
    value: tuple[Any, object]
    unit: str
    read: str
    write: str
    message: Callable[[Any], str]
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        kind, example = self.value
        self.keys = self.keys or (self.name,)
        field: Any = Field(examples=[example]) if example is not None else ...
        members: dict[str, Any] = dict.fromkeys(self.keys, (kind, field))
        title = self.name.title().replace("_", "")
        self.response: type[BaseModel] = create_model(
            f"{title}Response", __base__=ResponseBody, __doc__=self.unit, **members
        )
        self.updated: type[BaseModel] = create_model(
            f"{title}Updated", __base__=(self.response, SettingChanged), __doc__=self.unit
        )

    def add_get(self, router: APIRouter) -> None:
        """Add the GET to `router`."""

        def get(operation: OperationDep) -> BaseModel:
            return self.response(**self._values(operation.breaker.settings))

        router.get(
            self.path,
            name=f"get_{self.name}",
            description=self.read,
            response_model=self.response,
        )(get)

    def add_post(self, router: APIRouter, responses: Responses) -> None:
        """Add the POST to `router`."""

        def post(operation: OperationDep, body: RequestBody) -> BaseModel:
            change = {self.setting: self._convert(body.setting())}
            outcome = operation.change(change)
            values = self._values(outcome.settings)
            return self.updated(
                message=self.message(values[self.keys[0]]),
                also_changes=list(outcome.also_changes) or None,
                **outcome.shared.as_json(),
                **values,
            )

        post.__annotations__["body"] = self.body  # by which FastAPI validates it
        router.post(
            self.path,
            name=f"set_{self.name}",
            description=self.write,
            response_model=self.updated,
            response_model_exclude_none=True,
            responses=responses,
        )(post)

    def _values(self, settings: Settings) -> dict[str, Any]:
        return dict.fromkeys(self.keys, self._convert(getattr(settings, self.setting)))

    def _convert(self, value: Any) -> Any:
        return whole(value) if self.value[0] is Number else value


_ENDPOINTS: Final = (
    SettingEndpoint(
        *("memory", "/memory", "memory_threshold", MemoryThreshold, (float, 80.0)),
        unit="Percent of the memory limit.",
        read="Memory threshold: percent of the memory limit at which calls are rejected.",
        write="Set the memory threshold, in percent of the memory limit.",
        message="Memory threshold set to {:g} %".format,
    ),
    SettingEndpoint(
        *("latency", "/latency", "latency_threshold", LatencyThreshold, (Number, 1500)),
        unit="Milliseconds.",
        read="Latency threshold, in milliseconds.",
        write="Set the latency threshold, in milliseconds.",
        message="Latency threshold set to {} ms".format,
    ),
    SettingEndpoint(
        *("window_size", "/latency-window-size", "latency_window_size", WindowSize, (int, 64)),
        unit="Number of calls; `latency` is go-breaker's name for it.",
        read="Number of latest calls that the latency percentile is taken over.",
        write="Set the number of latest calls in the window; the newest ones are kept.",
        message="Latency window size set to {}".format,
        keys=("latency", "size"),
    ),
    SettingEndpoint(
        *("percentile", "/percentile", "percentile", Percentile, (float, 0.95)),
        unit="A fraction.",
        read="Percentile of latency that is compared with the threshold, as a fraction.",
        write="Set the percentile of latency, as a fraction or as a percentage.",
        message="Percentile set to {:g}".format,
    ),
    SettingEndpoint(
        *("wait", "/wait", "wait_time", WaitTime, (Number, 10)),
        unit="Seconds.",
        read="Seconds that a tripped breaker stays open before it probes.",
        write="Set the seconds that a tripped breaker stays open before it probes.",
        message="Wait set to {} s".format,
    ),
    SettingEndpoint(
        *("trend_analysis", "/trend-analysis", "trend_analysis_enabled", Toggle, (bool, None)),
        unit="True if trend analysis is on.",
        read="True if latency trips the breaker only while it rises or stays above the threshold.",
        write="Turn trend analysis on or off.",
        message=lambda enabled: f"Trend analysis turned {'on' if enabled else 'off'}",
    ),
)


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes, without the breaker's prefix. Changes apply at once, and to the file."""
    router = APIRouter(route_class=route_class, tags=["settings"])
    for endpoint in _ENDPOINTS:
        endpoint.add_get(router)
    all_settings: Responses = {200: {"model": Settings, "description": "The settings in force."}}
    router.get("/config", response_model=None, responses=all_settings)(get_config)
    not_written = openapi_responses(409)
    for endpoint in _ENDPOINTS:
        endpoint.add_post(router, not_written)
    changed: Responses = {
        200: {
            "model": ChangedSettings | ConfigPreview,
            "description": "The settings in force; of a dry run, what it would change.",
        }
    }
    refused = openapi_responses(409, 412, 503)
    router.patch("/config", response_model=None, responses=changed | refused)(change_config)
    return router


def get_config(operation: OperationDep) -> JSONResponse:
    """Return all settings in force, by their names in the file, with their ETag."""
    return _dump(operation)


def change_config(
    operation: OperationDep, body: SettingsPatch, options: OptionsDep
) -> JSONResponse:
    """Change any settings together: all of them, or none if one is wrong; null removes one.

    `If-Match` with the ETag of what was read refuses the change if it has changed since. A dry run
    answers what it would change.
    """
    changes = {".".join(key): value for key, value in body.changes().items()}
    if options.dry_run:
        return JSONResponse(preview_breaker(operation, changes, options))
    if not changes:
        return _dump(operation)
    outcome = change_breaker(operation, changes, options)
    also = {"also_changes": list(outcome.also_changes)} if outcome.also_changes else {}
    return _dump(operation, {**also, **outcome.shared.as_json()})


def _dump(
    operation: BreakerOperation, more: Mapping[str, object] = MappingProxyType({})
) -> JSONResponse:
    view = breaker_view(operation)
    return JSONResponse({**view, **more}, headers={"ETag": etag_of(operation.admin, view)})
