"""RabbitMQ as the broker, where it is installed: a node of its own, with its data in a directory of
the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ingest.embedded import processes
from ingest.embedded.stack import Child

NAME = "rabbitmq"
READY_S = 90.0
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
"""Of Debian's package: what stands in the path changes the user, and goes by the machine's node."""
_COMMAND_S = 60.0


@dataclass(frozen=True, slots=True)
class Rabbit:
    """A node that listens on loopback alone. `environ` is what its programs have to know."""

    programs: Path
    port: int
    environ: dict[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """Where Celery finds it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def children(self) -> tuple[Child, Child]:
        """What runs it, and before it what its programs find it by."""
        finds = ["epmd", "-port", self.environ["ERL_EPMD_PORT"], "-address", "127.0.0.1"]
        node = [str(self.programs / "rabbitmq-server")]
        return Child("epmd", finds, cwd=None), Child(NAME, node, self.environ, cwd=None)

    def is_up(self) -> bool:
        """Whether it takes connections by now; waits for a node that starts."""
        return self.tell("await_startup")

    def tell(self, *command: str) -> bool:
        """Whether the node did as it was told; one that is down just now does not."""
        try:
            done = subprocess.run(
                [str(self.programs / "rabbitmqctl"), "--quiet", *command],
                env={**os.environ, **self.environ},
                capture_output=True,
                check=False,
                timeout=_COMMAND_S,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def installed() -> Path | None:
    """Where its programs are, if they are."""
    if (_PROGRAMS / "rabbitmq-server").exists():
        return _PROGRAMS
    found = shutil.which("rabbitmq-server")
    return Path(found).parent if found else None


def configured(programs: Path, directory: Path) -> Rabbit:
    """A node with its data, its log and its cookie in that directory, which is made."""
    directory.mkdir()
    port, talks_on = processes.free_port(), processes.free_port()
    config = directory / "rabbitmq.conf"
    config.write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\ndisk_free_limit.absolute = 50MB\n", encoding="utf-8"
    )
    (directory / "enabled_plugins").write_text("[].\n", encoding="utf-8")
    environ = {
        "HOME": str(directory),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(processes.free_port()),
        "RABBITMQ_NODENAME": f"chaos-{port}@localhost",
        "RABBITMQ_DIST_PORT": str(talks_on),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(directory / "data"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_LOGS": str(directory / "node.log"),
        "RABBITMQ_PID_FILE": str(directory / "node.pid"),
    }
    return Rabbit(programs, port, environ)
