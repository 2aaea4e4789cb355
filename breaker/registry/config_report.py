"""Report on the file of the settings, for `status()`."""

from typing import Final
from weakref import WeakKeyDictionary

from breakerd.breaker.config.config_file import ConfigFile
from breakerd.breaker.config_log.drift import FileDrift
from breakerd.breaker.runtime.status_types import ConfigReport, DriftReport


def report(config: ConfigFile) -> ConfigReport:
    """Return the file, the outcome of its last reload, how it is watched, and its drift."""
    status, watch = config.status, config.watch_report
    return ConfigReport(
        file=str(config.path),
        last_reload_successful=status.successful,
        problems=[str(problem) for problem in status.problems],
        drift=[
            DriftReport(key=".".join(each.key), cause=each.cause.value, text=each.text)
            for each in drift_of_file(config).found()
        ],
        watched_by=watch.by,
        watch_problem=watch.problem,
    )


def drift_of_file(config: ConfigFile) -> FileDrift:
    """Return the drift of a file, without values: the same object for the same file."""
    drift = _DRIFTS.get(config)
    if drift is None:
        drift = _DRIFTS.setdefault(config, FileDrift(config))
    return drift


_DRIFTS: Final[WeakKeyDictionary[ConfigFile, FileDrift]] = WeakKeyDictionary()
