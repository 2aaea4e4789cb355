"""The life of a service as operators see it: edits, incidents, workers that die, its end."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.processes import is_running, open_files, thread_count
from tests.support.deployment.service import Service
from tests.support.polling import until
from tests.support.thoroughness import THOROUGH

_EDIT_LIMIT = 3.0
"""Seconds after which an edit of the file is in force in every worker."""
_END_LIMIT = 5.0
"""Seconds after which all processes have ended."""
_PATIENCE = 5
"""Times as long that both may take on a busy machine."""
_UNWANTED = ("Traceback", "Exception ignored", "ResourceWarning", "never retrieved", "Fatal")

_LISTENERS = (
    r"ResourceWarning: unclosed <socket\.[^>]*laddr=\('[\d.]+', \d+\)>\n(ResourceWarning: .*\n)?"
)
"""Warnings of sockets that servers listen on, and leave open: no peer is named."""


class Scenario:
    """Checks of one service, in the order in which they are to be made.

    Args:
        service: the service, as it is before its first call.
        emulator: whom it pages.
    """

    def __init__(self, service: Service, emulator: Emulator) -> None:
        self.service = service
        self.emulator = emulator
        self._incidents = 0
        self._figures: dict[str, float] = {}

    def live(self, *, kill: bool = False) -> None:
        """Edits, and two incidents, the second of which lasts.

        Args:
            kill: in the first, kill the worker that sends; the server replaces it.
        """
        self.check_edits()
        self.trip_all()
        if kill:
            self.kill_sender()
        self.recover()
        self.trip_one()
        if not kill:  # or else a step may have been sent that was not noted
            self.check_no_repetition()

    def check_nothing_is_started(self) -> None:
        """No process has made a file, since none has made a call."""
        assert not self.service.folder.kept.exists()

    def check_parent(self, threads: int) -> None:
        """The parent, which makes no call, has so many threads, and no file of breakerd's."""
        parent, kept = self.service.process.pid, str(self.service.folder.kept)
        assert thread_count(parent) == threads
        assert not [file for file in open_files(parent) if str(file).startswith(kept)]

    def check_edits(self) -> None:
        """An edit is soon in force in every worker that has made a call."""
        self.service.ask_all("pay", lambda report: not report.not_running)
        folder = self.service.folder
        for threshold, edit in ((700, folder.edit_by_rename), (800, folder.edit_in_place)):
            self._check_edit(threshold, edit)

    def _check_edit(self, threshold: int, edit: Callable[[int], None]) -> None:
        edit(threshold)
        seconds = self.service.ask_all("pay", lambda report: report.threshold == threshold)
        assert seconds < _limit(_EDIT_LIMIT)
        self._figures["edit"] = max(seconds, self._figures.get("edit", 0.0))

    def trip_all(self) -> None:
        """Every worker's breaker opens, and one page is sent."""
        self.service.ask_all("fail", lambda report: report.state == "OPEN")
        self._wait_for_page()

    def trip_one(self) -> None:
        """One worker's breaker opens, and one page is sent."""
        assert self.service.ask_one("fail").state == "OPEN"
        self._wait_for_page()

    def _wait_for_page(self) -> None:
        self._incidents += 1
        self.check_pages()

    def check_pages(self) -> None:
        """So many alerts have been opened as there were incidents."""
        emulator = self.emulator
        assert emulator.wait_for(lambda: len(emulator.alerts()) >= self._incidents, 60)
        alerts = emulator.alerts()
        assert len(alerts) == self._incidents, [alert.message for alert in alerts]

    def recover(self) -> None:
        """Every breaker closes, and the alert: by then a second one would have been opened."""
        self.service.ask_all("pay", lambda report: report.state == "CLOSED")
        emulator = self.emulator
        assert emulator.wait_for(lambda: emulator.alerts()[-1].status == "closed", 60)
        self.check_pages()

    def check_no_repetition(self) -> None:
        """Nobody has sent an alert that had been sent already."""
        assert [alert.count for alert in self.emulator.alerts()] == [1] * self._incidents

    def kill_sender(self) -> None:
        """The worker that sends is killed, and another takes its place."""
        process, folder = self.service.process, self.service.folder
        sender = folder.sender(process.pids())
        assert sender is not None
        os.kill(sender, signal.SIGKILL)
        until(lambda: not is_running(sender))
        self.service.ask_all("show")
        until(lambda: folder.sender(process.pids()))

    def end(
        self,
        stop: signal.Signals | Callable[[], None] = signal.SIGTERM,
        *,
        foreground: bool = False,
        code: int = 0,
        own: float = 0.0,
        orderly: bool = True,
        saving: int | None = None,
    ) -> None:
        """All processes soon end in good order.

        Args:
            stop: the signal, or how else they are told.
            foreground: send it to all processes, as a terminal does for Ctrl-C.
            code: exit code of the main process.
            own: seconds that the server takes without breakerd.
            orderly: its processes are given time to release the lease, and to save their state.
            saving: how many processes have a state to save; None for all workers.
        """
        process, folder = self.service.process, self.service.folder
        sent_at = time.time()
        seconds = process.end(stop, foreground=foreground)
        assert process.exit_code == code, process.log
        assert seconds < _limit(_END_LIMIT) + own, process.log
        if orderly:
            assert folder.leader() == ""
            assert folder.lock_files() == []
            expected = self.service.workers if saving is None else saving
            assert folder.states_saved_since(sent_at) >= expected
        self._check_log()
        self._figures["end"] = seconds
        print(self._figures, self._incidents)  # with -rP, the figures of each deployment

    def _check_log(self) -> None:
        """Nothing has gone wrong that somebody would have to look into."""
        log = re.sub(_LISTENERS, "", self.service.process.log)
        assert not [word for word in _UNWANTED if word in log], log


def _limit(seconds: float) -> float:
    """Return a limit: as stated on a quiet machine, and longer in CI or on a busy one."""
    quiet = THOROUGH and os.getloadavg()[0] <= (os.cpu_count() or 1)
    return seconds if quiet else seconds * _PATIENCE
