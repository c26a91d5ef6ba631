"""The account, the watch over it and the web server, started and stopped together."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import uvicorn

from local.cloud import Cloud
from local.page.server import application
from local.page.watch import Watch


@dataclass(frozen=True)
class Served:
    """What runs: the page's address, and what it shows."""

    url: str
    cloud: Cloud
    watch: Watch


@contextlib.contextmanager
def serving(port: int, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Deploy the program and serve its page at ``port`` of 127.0.0.1; 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    with contextlib.ExitStack() as stack:
        # First, so that a taken port is known before the seconds of the deployment.
        listening = stack.enter_context(socket.create_server(("127.0.0.1", port)))
        port = listening.getsockname()[1]
        cloud = stack.enter_context(Cloud(settings))
        watch = Watch(cloud)
        watch.start()
        stack.callback(watch.stop)
        stack.enter_context(_web(listening, port, watch))
        yield Served(f"http://127.0.0.1:{port}/", cloud, watch)


@contextlib.contextmanager
def _web(listening: socket.socket, port: int, watch: Watch) -> Iterator[None]:
    stopped = threading.Event()
    about = {"uploadBucket": watch.cloud.outputs["uploadBucket"]}
    server = uvicorn.Server(
        uvicorn.Config(
            application(watch, about, port, stopped),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        server.should_exit = True
        thread.join()
