"""One breaker's settings: one by one in go-breaker's way, and as a whole."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from breakerd.api.http.admin import OperationDep
from breakerd.api.problems import Responses, openapi_responses
from breakerd.api.schemas.requests import (
    LatencyThreshold,
    MemoryThreshold,
    Percentile,
    SettingsChange,
    Toggle,
    WaitTime,
    WindowSize,
)
from breakerd.api.schemas.responses import (
    LatencyResponse,
    LatencyUpdated,
    MemoryResponse,
    MemoryUpdated,
    PercentileResponse,
    PercentileUpdated,
    TrendAnalysisResponse,
    TrendAnalysisUpdated,
    WaitResponse,
    WaitUpdated,
    WindowSizeResponse,
    WindowSizeUpdated,
)
from breakerd.breaker.runtime.status import whole
from breakerd.breaker.settings import Settings


def routes(route_class: type[APIRoute]) -> APIRouter:
    """The routes, without the breaker's prefix. What is set is in force, and in the file."""
    router = APIRouter(route_class=route_class, tags=["settings"])
    router.get("/memory")(get_memory)
    router.get("/latency")(get_latency)
    router.get("/latency-window-size")(get_window_size)
    router.get("/percentile")(get_percentile)
    router.get("/wait")(get_wait)
    router.get("/trend-analysis")(get_trend_analysis)
    whole_answer: Responses = {200: {"model": Settings, "description": "The settings in force."}}
    router.get("/config", response_model=None, responses=whole_answer)(get_config)
    unwritten = openapi_responses(409)
    router.post("/memory", responses=unwritten)(set_memory)
    router.post("/latency", responses=unwritten)(set_latency)
    router.post("/latency-window-size", responses=unwritten)(set_window_size)
    router.post("/percentile", responses=unwritten)(set_percentile)
    router.post("/wait", responses=unwritten)(set_wait)
    router.post("/trend-analysis", responses=unwritten)(set_trend_analysis)
    router.patch("/config", response_model=None, responses=whole_answer | unwritten)(change_config)
    return router


def get_memory(operation: OperationDep) -> MemoryResponse:
    """Share of the memory limit at which calls are rejected, in percent."""
    return MemoryResponse(memory=operation.breaker.settings.memory_threshold)


def get_latency(operation: OperationDep) -> LatencyResponse:
    """The latency threshold, in milliseconds."""
    return LatencyResponse(latency=whole(operation.breaker.settings.latency_threshold))


def get_window_size(operation: OperationDep) -> WindowSizeResponse:
    """How many of the latest calls are watched."""
    size = operation.breaker.settings.latency_window_size
    return WindowSizeResponse(latency=size, size=size)


def get_percentile(operation: OperationDep) -> PercentileResponse:
    """The percentile of latency that is watched, as a fraction."""
    return PercentileResponse(percentile=operation.breaker.settings.percentile)


def get_wait(operation: OperationDep) -> WaitResponse:
    """How long a tripped breaker stays open before it probes, in seconds."""
    return WaitResponse(wait=whole(operation.breaker.settings.wait_time))


def get_trend_analysis(operation: OperationDep) -> TrendAnalysisResponse:
    """Whether latency trips only while it rises, or stays above the threshold."""
    return TrendAnalysisResponse(trend_analysis=operation.breaker.settings.trend_analysis_enabled)


def get_config(operation: OperationDep) -> JSONResponse:
    """All settings in force, by their names in the file."""
    return _all_of(operation.breaker.settings)


def set_memory(operation: OperationDep, body: MemoryThreshold) -> MemoryUpdated:
    """Sets the memory threshold, in percent."""
    memory = operation.change({"memory_threshold": body.threshold}).memory_threshold
    return MemoryUpdated(message=f"Memory threshold set to {memory:g} %", memory=memory)


def set_latency(operation: OperationDep, body: LatencyThreshold) -> LatencyUpdated:
    """Sets the latency threshold, in milliseconds."""
    settings = operation.change({"latency_threshold": whole(body.threshold)})
    latency = whole(settings.latency_threshold)
    return LatencyUpdated(message=f"Latency threshold set to {latency} ms", latency=latency)


def set_window_size(operation: OperationDep, body: WindowSize) -> WindowSizeUpdated:
    """Sets how many calls are watched; the newest are kept."""
    size = operation.change({"latency_window_size": body.size}).latency_window_size
    return WindowSizeUpdated(message=f"Latency window size set to {size}", latency=size, size=size)


def set_percentile(operation: OperationDep, body: Percentile) -> PercentileUpdated:
    """Sets the percentile of latency that is watched: as a fraction, or as a percentage."""
    fraction = body.percentile if body.percentile < 1 else round(body.percentile / 100, 12)
    percentile = operation.change({"percentile": fraction}).percentile
    return PercentileUpdated(message=f"Percentile set to {percentile:g}", percentile=percentile)


def set_wait(operation: OperationDep, body: WaitTime) -> WaitUpdated:
    """Sets how long a tripped breaker stays open before it probes, in seconds."""
    wait = whole(operation.change({"wait_time": whole(body.wait_time)}).wait_time)
    return WaitUpdated(message=f"Wait set to {wait} s", wait=wait)


def set_trend_analysis(operation: OperationDep, body: Toggle) -> TrendAnalysisUpdated:
    """Turns trend analysis on or off."""
    settings = operation.change({"trend_analysis_enabled": body.enabled})
    enabled = settings.trend_analysis_enabled
    words = "on" if enabled else "off"
    return TrendAnalysisUpdated(message=f"Trend analysis turned {words}", trend_analysis=enabled)


def change_config(operation: OperationDep, body: SettingsChange) -> JSONResponse:
    """Changes any settings together: all of them, or none if one is wrong."""
    changes = body.changes()
    return _all_of(operation.change(changes) if changes else operation.breaker.settings)


def _all_of(settings: Settings) -> JSONResponse:
    return JSONResponse(settings.model_dump(mode="json"))
