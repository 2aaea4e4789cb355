"""Bodies of the routes for the log of configurations."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from breakerd.api.schemas.requests import RequestBody
from breakerd.api.schemas.responses import ResponseBody
from breakerd.api.schemas.shared_settings import SHARED, SharedProgress


class RollbackBody(RequestBody):
    """Configuration to return to."""

    to: Annotated[int, Field(ge=1, description="Its number in the log.", examples=[1])]


class ConfigKeyChange(BaseModel):
    """Change of one key. A secret is masked; null: the key was not set."""

    key: str
    before: Any
    after: Any
    secret: bool


class ConfigSummary(ResponseBody):
    """A configuration that was in force.

    `way` says how it came into force, `author` the same with the person as a phrase. `temporary`
    names keys that were not in the file, `written` is false if the change could not be written.
    `changes` is null where the configuration before is not in the log any more.
    """

    number: int
    at: str
    digest: str
    way: Literal["start", "file", "http", "command line", "fleet", "promise", "program"]
    by: str
    author: str
    right: str
    reason: str
    process: str
    written: bool
    temporary: list[str]
    changes: list[ConfigKeyChange] | None


class ConfigDetails(ConfigSummary):
    """A configuration that was in force, with its values as in the file, secrets masked."""

    values: dict[str, Any]


class ConfigHistory(ResponseBody):
    """Configurations that were in force, newest first; `problem`: why nothing is noted now."""

    configs: list[ConfigSummary]
    problem: str | None


class ConfigDifference(ResponseBody):
    """Keys that differ between two configurations."""

    from_: int = Field(alias="from")
    to: int
    changes: list[ConfigKeyChange]


class DriftEntry(BaseModel):
    """A key whose value in force is not the file's; an empty key is the file as a whole."""

    key: str
    in_force: Any
    in_file: Any
    cause: Literal["temporary", "not written", "refused", "not applied", "environment", "fleet"]
    text: str
    by: str
    at: str | None


class DriftList(ResponseBody):
    """What is in force and not in the file; `number` is the newest configuration in the log."""

    drift: list[DriftEntry]
    number: int | None


class KeptKey(BaseModel):
    """A key that a rollback leaves as it is, and why."""

    key: str
    reason: str


class ConfigPreview(ResponseBody):
    """Effect of a change that was not made.

    `breakers` has the settings that would change by the names of the breakers, `needs_restart` the
    keys that only a restart puts in force, `ends_temporary` those whose temporary value would end.
    `last_day` says what both settings would have done with the recorded calls of the last day:
    `trips`, `rejected`, `good_rejected` and `let_pass` of `current` and `proposed`. Where
    `estimated` is true, only excerpts were replayed: the numbers tell the order of magnitude.
    """

    dry_run: Literal[True]
    persist: bool
    changes: list[ConfigKeyChange]
    breakers: dict[str, Any]
    last_day: dict[str, Any] | None
    needs_restart: list[str]
    ends_temporary: list[str]


class RollbackResult(ResponseBody):
    """Rollback that was made; of a dry run, what it would change is as for a change."""

    to: int
    number: int | None
    kept: list[KeptKey]
    changes: list[ConfigKeyChange]
    message: str | None = None
    shared: SharedProgress | None = Field(None, description=SHARED)
