"""Save a baseline as plain data, and validate that data before it is restored."""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from breakerd.breaker.baseline.baseline import Baseline
from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.baseline.series import LAYOUTS, Quantity, Scale

_NonNegative = Annotated[float, Field(ge=0)]
_Moments = tuple[_NonNegative, float, _NonNegative, _NonNegative, _NonNegative, float]
"""Attributes of `Moments`, in order."""


class _Saved(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SavedSeries(_Saved):
    """One quantity on one scale; `histogram` has the non-empty buckets of its sketch."""

    quantity: Quantity
    scale: Scale
    moments: _Moments
    histogram: list[tuple[Annotated[int, Field(ge=0)], _NonNegative]]

    @model_validator(mode="after")
    def _has_these_buckets(self) -> Self:
        count = LAYOUTS[self.quantity].count
        if any(index >= count for index, _ in self.histogram):
            raise ValueError(f"a histogram of {self.quantity} has {count} buckets")
        return self


class SavedBaseline(_Saved):
    """State of a `Baseline`: about 10 kB of JSON."""

    series: list[SavedSeries]
    observed_failure_rate: _Moments
    levels: dict[Quantity, _Moments]
    log_duration: _Moments

    def restore(self, age: float) -> Baseline:
        """Return the baseline, aged by `age` seconds."""
        baseline = Baseline()
        for saved in self.series:
            series = baseline.series(saved.quantity, saved.scale)
            series.moments = Moments(*saved.moments)
            for index, weight in saved.histogram:
                series.sketch.add_weight(index, weight)
        baseline.observed_failure_rate = Moments(*self.observed_failure_rate)
        baseline.outlier_model.levels |= {q: Moments(*saved) for q, saved in self.levels.items()}
        baseline.outlier_model.log_duration = Moments(*self.log_duration)
        baseline.age(age)
        return baseline


def save(baseline: Baseline) -> SavedBaseline:
    """Return `baseline` as data, rounded to six significant digits."""
    return SavedBaseline(
        series=[
            SavedSeries(
                quantity=quantity,
                scale=scale,
                moments=_to_tuple(baseline.series(quantity, scale).moments),
                histogram=_rounded(baseline.series(quantity, scale).sketch.items()),
            )
            for quantity in Quantity
            for scale in Scale
        ],
        observed_failure_rate=_to_tuple(baseline.observed_failure_rate),
        levels={
            quantity: _to_tuple(level) for quantity, level in baseline.outlier_model.levels.items()
        },
        log_duration=_to_tuple(baseline.outlier_model.log_duration),
    )


def _to_tuple(moments: Moments) -> _Moments:
    weight, mean, age, squares, age_squares, products = map(_six, moments.as_list())
    return weight, mean, age, squares, age_squares, products


def _rounded(weights: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(index, rounded) for index, weight in weights if (rounded := _six(weight))]


def _six(value: float) -> float:
    return float(f"{value:.6g}")
