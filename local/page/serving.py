"""Starts and stops the account, its poller and the web server together."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from local.account import LocalAccount
from local.page import persistence
from local.page.poller import MEMBERS, Poller, address
from local.page.server import application

# The page's people get the emails about their own uploads, and are recognised when they click.
SETTINGS = {
    "uploaderDomains": '["example.com"]',
    "people": json.dumps({member: address(person) for member, person in MEMBERS.items()}),
}


@dataclass(frozen=True)
class Served:
    """The page's address, and the account and poller behind it."""

    url: str
    cloud: LocalAccount
    poller: Poller


@contextlib.contextmanager
def serving(
    port: int, settings: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[Served]:
    """Deploy the program and serve its page at ``port`` of 127.0.0.1; 0 takes a free one.

    What the page displays is saved in ``folder``, if given, and restored from it.

    Raises:
        OSError: the port is taken.
        ValueError: the saved file cannot be read.
    """
    with contextlib.ExitStack() as stack:
        # First, so that a taken port is known before the seconds of the deployment.
        listening = stack.enter_context(socket.create_server(("127.0.0.1", port)))
        port = listening.getsockname()[1]
        cloud = stack.enter_context(LocalAccount(settings))
        poller = Poller(cloud)
        if folder:
            persistence.load(poller, folder)
            stack.callback(persistence.save, poller, folder)
        poller.start()
        stack.callback(poller.stop)
        stack.enter_context(_web(listening, port, poller))
        yield Served(f"http://127.0.0.1:{port}/", cloud, poller)


@contextlib.contextmanager
def _web(listening: socket.socket, port: int, poller: Poller) -> Iterator[None]:
    stopped = threading.Event()
    about = {"uploadBucket": poller.cloud.outputs["uploadBucket"]}
    server = uvicorn.Server(
        uvicorn.Config(
            application(poller, about, port, stopped),
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
