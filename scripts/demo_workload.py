"""What the demo watches: a web server and its client, in two containers, else in two network namespaces."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from scripts import demo_namespaces
from tests.container.engine import Engine, EngineLack, start_engine

REQUESTS = 150  # ten a second: ends by itself even when nobody stops it


@dataclass(frozen=True)
class Talk:
    """What is going on, and what the program must know to see all of it."""

    what: str
    environment: dict[str, str] = field(default_factory=dict)


def talkers() -> AbstractContextManager[Talk]:
    """Return the workload this machine can run; it goes on while the `with` body runs, for a bounded time."""
    try:
        return _containers(start_engine())
    except EngineLack as lack:
        return _namespaces(str(lack))


@contextmanager
def _containers(engine: Engine) -> Iterator[Talk]:
    try:
        server = engine.run("web", "httpd", "-f", "-p", "80", "-h", "/www")
        loop = f"for i in $(seq {REQUESTS}); do /bin/wget -q -O /dev/null http://{server.ip}/; /bin/sleep 0.1; done"
        engine.run("client", "sh", "-c", loop)
        what = "container 'client' asks container 'web' for a page, ten times a second"
        yield Talk(what, {"DOCKER_HOST": f"unix://{engine.socket}"})
    finally:
        engine.stop()


@contextmanager
def _namespaces(lack: str) -> Iterator[Talk]:
    with demo_namespaces.talkers(REQUESTS) as what:
        yield Talk(f"no container engine can run here ({lack}); instead {what}")
