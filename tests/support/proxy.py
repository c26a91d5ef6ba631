"""A proxy on this machine that knows some hosts, and notes what it is requests for."""

import http.server
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.support.tls import tunnel


@contextmanager
def proxy(ports: Mapping[str, int]) -> Iterator[tuple[str, list[str]]]:
    """The URL of a proxy, and the ``host:port`` of each request.

    ``ports`` are those on 127.0.0.1 where the known hosts answer, by host name.
    """
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            requests.append(self.path)
            port = ports.get(self.path.partition(":")[0])
            if not port:
                self.send_error(403)
                return
            with socket.create_connection(("127.0.0.1", port)) as far:
                self.send_response(200)
                self.end_headers()
                tunnel(self.connection, far)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requests
        server.shutdown()
