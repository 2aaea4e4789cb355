"""Settings of maintenance windows: weekly times in which alerts are muted."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import field_validator

from breakerd.alerts.model.matchers import Matcher, Subject, all_hold, checked, parsed
from breakerd.breaker.settings import SettingsModel, setting

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME: Final = r"^([01]\d|2[0-3]):[0-5]\d$"


class MaintenanceSettings(SettingsModel):
    """Weekly time in which alerts are muted (`[alerts.maintenance.NAME]`)."""

    matchers: tuple[str, ...] = setting(
        (), "Matchers, as `breaker=pay*` or `Team!=core`; all must hold.", shown=True, strict=False
    )
    days: tuple[Day, ...] = setting(_DAYS, "Days on which it begins.", strict=False)
    begins: str = setting(..., "Begin, as in `02:00`.", shown=True, pattern=_TIME)
    ends: str = setting(
        ...,
        "End, as in `04:00`; if not later than `begins`, on the next day.",
        shown=True,
        pattern=_TIME,
    )
    timezone: str = setting("UTC", "Time zone of these times, as in `Europe/Madrid`.", shown=True)
    reason: str = setting("planned maintenance", "Reason shown in the status.", min_length=1)

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, name: str) -> str:
        try:
            _zone(name)
        except (OSError, ValueError, LookupError):
            raise ValueError("a time zone known to this machine, as Europe/Madrid") from None
        return name

    @field_validator("matchers")
    @classmethod
    def _check_matchers(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        checked(texts)
        return texts

    def ends_at(self, now: float) -> float | None:
        """Return the end of the window open at `now`, in seconds since the epoch; None if none."""
        zone = _zone(self.timezone)
        today = datetime.fromtimestamp(now, zone).date()
        for day in (today - timedelta(days=1), today):
            begin, end = self._window(day, zone)
            if _DAYS[day.weekday()] in self.days and begin <= now < end:
                return end
        return None

    def holds(self, subject: Subject, now: float) -> bool:
        """True if an alert for `subject` is muted at `now`, in seconds since the epoch."""
        return self.ends_at(now) is not None and all_hold(_matchers(self.matchers), subject)

    def _window(self, day: date, zone: ZoneInfo) -> tuple[float, float]:
        """Return begin and end; the longest if daylight saving repeats or skips an hour."""
        begins, ends = time.fromisoformat(self.begins), time.fromisoformat(self.ends)
        last = day if ends > begins else day + timedelta(days=1)
        return min(_moments(day, begins, zone)), max(_moments(last, ends, zone))


def _moments(day: date, clock: time, zone: ZoneInfo) -> list[float]:
    moment = datetime.combine(day, clock, zone)
    return [moment.timestamp(), moment.replace(fold=1).timestamp()]


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=256)
def _matchers(texts: tuple[str, ...]) -> tuple[Matcher, ...]:
    return parsed(texts)
