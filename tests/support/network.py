"""Builds in a network namespace without routes: all that they reach is S3."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from local.account import LocalAccount

# In the namespace: from a port of its own loopback device to a socket in the file system.
INSIDE = """
import socket, subprocess, sys, threading
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
path, port = sys.argv[1], int(sys.argv[2])

def copied(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)

def served(client):
    with client, socket.socket(socket.AF_UNIX) as s3:
        s3.connect(path)
        back = threading.Thread(target=copied, args=[s3, client], daemon=True)
        back.start()
        copied(client, s3)
        back.join()

server = socket.create_server(("127.0.0.1", port), backlog=64)
def accept():
    while True:
        threading.Thread(target=served, args=[server.accept()[0]], daemon=True).start()
threading.Thread(target=accept, daemon=True).start()
for host in ("192.0.2.1", "127.0.0.2"):
    try:
        socket.create_connection((host, 443), 1)
        sys.exit("there is a network")
    except OSError as error:
        print("no way to", host, error, flush=True)
sys.exit(subprocess.run(["sh", "-c", sys.argv[3]]).returncode)
"""


def isolated() -> bool:
    """Whether namespaces may be made here."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    tried = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    return subprocess.run(tried, check=False, capture_output=True).returncode == 0


def bridge(path: Path, port: int) -> socket.socket:
    """Serve the port of this machine at a socket in the file system."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(64)

    def copied(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def served(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as s3:
            back = threading.Thread(target=copied, args=[s3, client], daemon=True)
            back.start()
            copied(client, s3)
            back.join()

    def accept() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=served, args=[client], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return server


@contextmanager
def without_network(cloud: LocalAccount, folder: Path) -> Iterator[None]:
    """During the ``with``, builds of the account reach its S3 and nothing else."""
    inside = folder / "inside.py"
    inside.write_text(INSIDE)
    spec = yaml.safe_load((Path(__file__).parents[2] / "scan" / "buildspec.yml").read_text())
    [command] = spec["phases"]["build"]["commands"]
    port = cloud.endpoint.rpartition(":")[2]
    words = f"unshare --net {sys.executable} {inside} {folder}/s3 {port} '{command}'"
    cloud.builds.buildspec = json.dumps(
        {"version": 0.2, "phases": {"build": {"commands": [words]}}}
    )
    with bridge(folder / "s3", int(port)):
        yield
