"""Keep comparisons and promises of this process's breakers, with the other processes of the host.

One thread, which runs only while a breaker has a candidate, or a promise is to be kept: it writes
what was compared, tells the breakers what others have, and settles promises.
"""

import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from breakerd.breaker.breaker import BREAKERS, Breaker
from breakerd.breaker.config import Document
from breakerd.breaker.errors import BreakerStateError, NotStoredError
from breakerd.breaker.events.events import CandidateSettled
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger
from breakerd.breaker.promotion.condition import Condition
from breakerd.breaker.promotion.promise import Promise, Settled
from breakerd.breaker.promotion.promote import candidate_values
from breakerd.breaker.promotion.settlement import Settlement
from breakerd.breaker.promotion.store import Own, ShadowStore
from breakerd.breaker.registry import Registry
from breakerd.breaker.shadow.figures import ShadowFigures
from breakerd.breaker.shadow.identity import digest_of
from breakerd.breaker.shadow.report import Beside

_log = get_logger(__name__)

INTERVAL: Final = 5.0
"""Seconds between two looks; a killed process loses what it has compared since the last one."""
_END_LIMIT: Final = 2.0
"""Maximum seconds that the end waits for the thread."""
_OPEN_LIMIT: Final = 5.0
"""Maximum seconds that a promise waits for the file to be opened."""


class Keeper:
    """Comparisons and promises of one registry. Thread-safe, and safe to fork.

    It never keeps a call waiting. While the file fails, each process tells what it has compared
    itself, and promises wait.

    Args:
        registry: the breakers.
        path: file of the host; None: promises cannot be made, and comparisons end with the process.
        clock: returns the wall-clock time in seconds.

    Attributes:
        on_settled: called with what became of a promise, in the process that has settled it, with
            the settings before and after. Exceptions are logged.
    """

    def __init__(
        self, registry: Registry, path: Path | None, clock: Callable[[], float] = time.time
    ) -> None:
        self.on_settled: Callable[[Promise, Settled], None] = lambda _promise, _settled: None
        self._registry = registry
        self._path = path
        self._clock = clock
        self._lock = ProcessLock()
        """Held during a look."""
        self._life = ProcessLock()
        """Held while the thread is started or ended; never while the disk is waited for."""
        self._started = False
        self._begin()
        registry.report_not_running(self.not_running)
        if registry.config is not None:
            registry.config.subscribe(self)
        renew_after_fork(self)

    def _begin(self) -> None:
        self._store: ShadowStore | None = None
        self._thread: threading.Thread | None = None
        self._wake, self._opened = threading.Event(), threading.Event()
        self._stopping = False
        self._process = secrets.token_hex(8)
        self._written = False
        self._settlement = Settlement(self._registry)

    # --- life

    def start(self) -> None:
        """Run from now on, if there is anything to keep; no effect if it runs."""
        self._started = True
        self._start_if_needed()

    def close(self) -> None:
        """Write for the last time, and end; takes at most some seconds."""
        with self._life:
            self._started, self._stopping = False, True
            thread = self._thread
            self._wake.set()
        if thread is None:
            return
        if thread is not threading.current_thread():
            thread.join(_END_LIMIT)
        with self._lock:
            store = self._store
            self._begin()
        if store is not None:
            store.close()

    def after_fork(self) -> None:
        """Begin anew in a forked child: what the parent has compared is the parent's."""
        self._started = False
        self._begin()

    def not_running(self) -> dict[str, str]:
        """Return `shadow` with a sentence if comparisons are not kept; else nothing."""
        store = self._store
        problem = store.problem if store is not None else ""
        if problem:
            return {"shadow": f"comparisons and promises are not kept: {problem}"}
        return {}

    # --- the file of settings: only to know that it was read again

    def owns(self, section: str) -> bool:
        """Return True for the sections that candidates are in."""
        return self._registry.owns(section)

    def prepare(self, _document: Document) -> Callable[[], None]:
        """Return the step that has the candidates looked at."""
        return self._look_soon

    def _look_soon(self) -> None:
        if self._started:
            self._start_if_needed()
            self._wake.set()

    def _start_if_needed(self) -> None:
        if self._path is None or BREAKERS.taken_over:
            return
        with self._life:
            if self._thread is not None or not self._is_needed(self._path):
                return
            self._stopping = False
            thread = threading.Thread(
                target=self._run, args=(self._path,), name="breakerd-shadow", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:
                _log.warning("comparisons of candidates are not kept", error=str(error))
            else:
                self._thread = thread

    def _is_needed(self, path: Path) -> bool:
        """Return True if a breaker has a candidate, or a promise may have been made."""
        return path.exists() or any(breaker.settings.candidate for breaker in self._registry)

    # --- looks

    def _run(self, path: Path) -> None:
        opened, wake = self._opened, self._wake
        store = ShadowStore(path, self._clock)
        try:
            store.open()
        except RuntimeError as error:
            _log.warning("comparisons of candidates are not kept", error=str(error))
            return
        self._store = store
        opened.set()
        while not self._stopping:
            self._look_safely()
            wake.wait(INTERVAL)
            wake.clear()
        with self._lock:
            self._write(store, ended=True)

    def _look_safely(self) -> None:
        try:
            self.look()
        except Exception:  # noqa: BLE001 - the next look may succeed
            _log.exception("candidates were not looked after", file=str(self._path))

    def look(self) -> None:
        """Write what this process has compared, read what others have, and settle promises."""
        with self._lock:
            store = self._store
            if store is None or BREAKERS.taken_over:
                return
            self._forget_changed(store)
            self._write(store)
            self._tell(store)
        self._settle(store)

    def _write(self, store: ShadowStore, *, ended: bool = False) -> None:
        own = [found for breaker in self._registry if (found := _own(breaker)) is not None]
        if not own and not self._written:
            return
        done = store.write(self._process, own, known=self._written, ended=ended)
        if done is False:  # it was stopped for so long that it was taken for ended
            self._process, self._written = secrets.token_hex(8), False
            self._forget_counts()
        elif done:
            self._written = bool(own)
            if ended:
                self._forget_counts()

    def _forget_changed(self, store: ShadowStore) -> None:
        """Drop what belongs to another candidate than the present one: it is to begin anew."""
        config = self._registry.config
        if config is not None and not config.status.successful:
            return  # another file is in force here than for others
        for name, digest in store.comparisons(self._process):
            if digest_of(self._registry.settings_for(name)) != digest:
                store.forget(self._process, name, digest)

    def _forget_counts(self) -> None:
        """Begin to count anew: what was counted stays in the file."""
        for breaker in self._registry:
            with breaker.lifecycle.locked():
                shadow = breaker.machinery.core.recorder.shadow
                if shadow is not None:
                    shadow.figures = ShadowFigures()
                    shadow.began_at = self._clock()

    def _tell(self, store: ShadowStore) -> None:
        """Tell each breaker what the other processes have, and what was promised."""
        promises = {each.breaker: each for each in store.promises() or ()}
        settled = store.settled()
        now = self._clock()
        for breaker in self._registry:
            own = _own(breaker)
            if own is None:
                continue
            found = store.sums(breaker.name, own.digest, without=self._process)
            if found is None:
                continue
            promise, last = promises.get(breaker.name), settled.get(breaker.name)
            beside = Beside(
                figures=found[0],
                since=min(found[1], own.since),
                promise=promise.report(now) if promise is not None else None,
                settled=last.report() if last is not None else None,
            )
            with breaker.lifecycle.locked():
                shadow = breaker.machinery.core.recorder.shadow
                if shadow is not None and shadow.digest == own.digest:
                    shadow.beside = beside

    # --- promises

    def promise(self, name: str, seconds: float, condition: Condition, by: str = "") -> Promise:
        """Promise to promote the candidate of a breaker, in so many seconds, if it is so then.

        A promise that was made before is replaced. It is on the disk when this returns.

        Raises:
            BreakerStateError: the breaker has no candidate, or this process keeps no file.
            NotStoredError: it cannot be stored; nothing was promised.
        """
        values = candidate_values(self._registry, name)
        store = self._require_store()
        now = self._clock()
        digest = digest_of(self._registry.settings_for(name))
        promise = Promise(name, digest, values, now, now + seconds, condition, by)
        if not store.promise(promise):
            raise NotStoredError(f"the promise cannot be stored: {store.problem}")
        self._wake.set()
        self.look()
        return promise

    def take_back(self, name: str, by: str = "") -> Promise:
        """Take back the promise of a breaker.

        Raises:
            BreakerStateError: there is none.
            NotStoredError: that cannot be stored; the promise stands.
        """
        store = self._require_store()
        found = store.promises()
        promise = next((each for each in found or () if each.breaker == name), None)
        if promise is None and found is not None:
            raise BreakerStateError(f"no promotion of breaker {name!r} is promised")
        settled = Settled(name, self._clock(), "taken back", "", by)
        if promise is None or not store.settle(promise, settled):
            raise NotStoredError(f"that cannot be stored: {store.problem}")
        self.look()
        return promise

    def sums(self, name: str, digest: str) -> tuple[ShadowFigures, float] | None:
        """Return the sums of all processes, and since when; None while the file fails."""
        store = self._store
        return store.sums(name, digest) if store is not None else None

    def _require_store(self) -> ShadowStore:
        if self._path is not None and self._started:
            self._start_if_needed()
            self._opened.wait(_OPEN_LIMIT)
        if self._store is None:
            raise BreakerStateError(
                "promises are kept by a running service with a configuration file; promote "
                "without --after"
            )
        return self._store

    def _settle(self, store: ShadowStore) -> None:
        for promise in store.promises() or ():
            now = self._clock()
            if not self._settlement.is_due(promise, now) or not store.hold(promise, self._process):
                continue
            sums = store.sums(promise.breaker, promise.digest)
            if sums is None:
                continue
            settled = self._settlement.settle(promise, sums, now)
            if settled is not None and store.settle(promise, settled):
                self._announce(promise, settled)

    def _announce(self, promise: Promise, settled: Settled) -> None:
        level = _log.info if settled.ending == "kept" else _log.warning
        level(
            "promised promotion settled",
            breaker=settled.breaker,
            ending=settled.ending,
            reason=settled.text,
        )
        breaker = self._registry.find(promise.breaker)
        if breaker is not None:
            with breaker.lifecycle.locked() as now:
                breaker.machinery.core.engine.events.send(
                    CandidateSettled,
                    now,
                    outcome=settled.ending,
                    text=settled.text,
                    actor=promise.by,
                )
        try:
            self.on_settled(promise, settled)
        except Exception:  # noqa: BLE001 - it is settled all the same
            _log.exception("settled promise was not told", breaker=settled.breaker)


def _own(breaker: Breaker) -> Own | None:
    """Return what this process has compared of a breaker; None if it has no candidate."""
    with breaker.lifecycle.locked():
        shadow = breaker.machinery.core.recorder.shadow
        if shadow is None:
            return None
        return Own(breaker.name, shadow.digest, shadow.began_at, shadow.figures.copy())
