"""Bodies of the routes about a breaker's candidate."""

from typing import Any, Final

from pydantic import Field

from breakerd.api.schemas.requests import RequestBody
from breakerd.api.schemas.responses import Message, pydantic_model
from breakerd.api.schemas.shared_settings import SHARED, SharedProgress
from breakerd.breaker.promotion.condition import MAX_LENGTH, NAMES
from breakerd.breaker.shadow.report import PromiseReport, ShadowReport

MAX_SECONDS: Final = 30 * 86_400.0
"""Maximum number of seconds until a promise is due."""


class PromoteBody(RequestBody):
    """When to promote a candidate, and under which condition; both may be left out."""

    after_seconds: float = Field(
        0.0,
        description="Seconds until it is to be promoted; 0: now.",
        ge=0,
        le=MAX_SECONDS,
        examples=[86_400],
    )
    condition: str = Field(
        "",
        description="What must be true then, such as `false_rejections < 0.1%`. Names: "
        f"{', '.join(NAMES)}. Joined by `and`, `or`.",
        max_length=MAX_LENGTH,
        examples=["false_rejections < 0.1% and calls >= 1000"],
    )


class PromoteResponse(Message):
    """What was done: promoted now, or promised."""

    promoted: bool = Field(description="True if the settings of the candidate are in force.")
    promise: pydantic_model(PromiseReport) | None = None  # type: ignore[valid-type]  # made at run time
    settings: dict[str, Any] = Field(description="Settings of the candidate, by their names.")
    summary: str = Field(description="What would have been different under the candidate.")
    also_changes: list[str] = Field([], description="Other breakers, which follow the root.")
    shared: SharedProgress | None = Field(None, description=SHARED)


class DroppedResponse(Message):
    """A candidate that was removed."""

    summary: str = Field(description="What would have been different under the candidate.")
    shared: SharedProgress | None = Field(None, description=SHARED)


ShadowResponse = pydantic_model(ShadowReport, "Shadow")
