"""A build installs its scanner through a proxy, from an index with a password and an own CA."""

import hashlib
import http.server
import io
import json
import ssl
import threading
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import pytest

from local.account import LocalAccount
from tests.support.account import PASSING
from tests.support.proxy import proxy
from tests.support.tls import certified

HOST, CREDENTIALS = "packages.example.com", "ada@example.com:hunter2/hunter2"
WHEEL = "tiny-1.0-py3-none-any.whl"

pytestmark = pytest.mark.slow


def tiny_wheel() -> bytes:
    """A package with one module."""
    body = io.BytesIO()
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(body, "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return body.getvalue()


@contextmanager
def index(certificate: Path, wheel: bytes) -> Iterator[int]:
    """The port of a package index (PEP 503) with TLS that asks for ``CREDENTIALS``."""
    expected = f"Basic {b64encode(CREDENTIALS.encode()).decode()}"
    pages = {"/simple/tiny/": f'<a href="/{WHEEL}">{WHEEL}</a>'.encode(), f"/{WHEEL}": wheel}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == expected
            page = pages.get(self.path)
            self.send_response(401 if not known else 200 if page else 404)
            self.send_header("Content-Type", "text/html" if self.path != f"/{WHEEL}" else "x/x")
            self.end_headers()
            self.wfile.write(page if known and page else b"")

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_build_reaches_a_private_index_through_a_proxy_and_then_scans(tmp_path: Path):
    ca, certificate = certified(tmp_path, HOST)
    # Longer than a variable of a build or of a process may be.
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + ca.read_bytes())
    wheel, packages = tiny_wheel(), tmp_path / "packages"
    requirement = f"tiny==1.0 --hash=sha256:{hashlib.sha256(wheel).hexdigest()}"
    phases = {
        "install": {
            "commands": [
                # The real packages are here already, so pip would ask for nothing.
                f"echo '{requirement}' > scan/requirements-sarif.txt",
                f"PIP_TARGET={packages} PIP_NO_CACHE_DIR=1 python -m scan.install",
            ]
        },
        "build": {"commands": ["python -m scan"]},
    }
    with (
        index(certificate, wheel) as port,
        proxy({HOST: port}) as (proxy_url, requests),
        LocalAccount(
            {
                "proxyUrl": proxy_url,
                "packageIndexUrl": f"https://{HOST}/simple",
                "packageIndexCredentials": CREDENTIALS,
                "caBundle": str(bundle),
            }
        ) as cloud,
    ):
        cloud.builds.buildspec = json.dumps({"version": 0.2, "phases": phases})
        scan = cloud.upload("inventory.zip", PASSING)
        ended = cloud.ended(cloud.execution(scan), seconds=120)
        [build] = cloud.builds.all_of(scan)
        log = "\n".join(cloud.build_log(scan))

    assert (packages / "tiny.py").is_file(), (build["Phases"], log)
    assert ended == "SUCCEEDED"
    # AWS is reached without the proxy, since it is on this machine.
    assert set(requests) == {f"{HOST}:443"}
    assert "hunter2" not in log
