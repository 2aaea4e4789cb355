"""Report on the file of the settings, for `status()`."""

from breakerd.breaker.config.config_file import ConfigFile
from breakerd.breaker.runtime.status_types import ConfigReport


def report(config: ConfigFile) -> ConfigReport:
    """Return the file and the outcome of its last reload, and how it is watched."""
    status, watch = config.status, config.watch_report
    return ConfigReport(
        file=str(config.path),
        last_reload_successful=status.successful,
        problems=[str(problem) for problem in status.problems],
        watched_by=watch.by,
        watch_problem=watch.problem,
    )
