"""Lambda without Docker: the packaged code runs in processes of its own, which stay warm."""

import base64
import io
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

from local.logs import LogStream
from local.permissions import services
from local.permissions.guard import Guard

RUNTIME = Path(__file__).parent / "lambda_runtime.py"
# Further invocations wait: a thousand processes at once would all run into their time limits.
AT_ONCE = 16
ASYNC_SECONDS = 0.3


class Functions:
    """Runs each function's own package in its own environment, time limit and log group."""

    def __init__(self, endpoint: str, clients: Any, guard: Guard) -> None:
        self._endpoint, self._clients, self._guard = endpoint, clients, guard
        # Logging configuration by function name, which moto does not store.
        self.logging: dict[str, dict[str, str]] = {}
        self._idle: dict[str, list[_Process]] = {}
        self._started: list[_Process] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._packages: dict[str, str] = {}
        self._stopped = threading.Event()

    def invoke(self, function: Any, payload: str) -> tuple[str, bool, str]:
        """Run one event in a warm process, or a new one; return (payload, failed, log)."""
        with self._slots:
            return self._invoke(function, payload)

    def queue(self, function: Any, payload: str) -> None:
        """Run one event later; a failed run is retried twice, on AWS after one and two minutes.

        https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
        """
        threading.Thread(target=self._run_queued, args=[function, payload], daemon=True).start()

    def _run_queued(self, function: Any, payload: str) -> None:
        for _ in range(3):
            if self._stopped.wait(ASYNC_SECONDS) or not self.invoke(function, payload)[1]:
                return

    def _invoke(self, function: Any, payload: str) -> tuple[str, bool, str]:
        # Changed code or environment needs a new process, as on Lambda.
        version = f"{function.function_arn}:{function.code_sha_256}:{function.environment_vars}"
        with self._lock:
            idle = self._idle.get(version)
            process = idle.pop() if idle else None
        process = process or self._start(function)
        answer = process.run(payload, int(function.timeout))
        if answer is None:
            process.stop()
            stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {uuid.uuid4()}"
            answer = {
                "error": {
                    "errorType": "Sandbox.Timedout",
                    "errorMessage": f"{stamp} Task timed out after {function.timeout}.00 seconds",
                }
            }
        elif process.alive:  # a dead one cannot be reused
            with self._lock:
                self._idle.setdefault(version, []).append(process)
        if "error" in answer:
            return json.dumps(answer["error"]), True, ""
        return json.dumps(answer["result"]), False, ""

    def stop(self) -> None:
        """End all processes."""
        self._stopped.set()
        with self._lock:
            started, self._started = self._started, []
            self._idle.clear()
        for process in started:
            process.stop()

    def _start(self, function: Any) -> "_Process":
        services.function_starts(self._guard, function.role, function.function_name)
        signer = self._guard.session(function.role, function.function_name)
        with self._lock:
            if function.code_sha_256 not in self._packages:
                folder = tempfile.mkdtemp(prefix="chatops-lambda-")
                zipfile.ZipFile(io.BytesIO(function.code_bytes)).extractall(folder)
                self._packages[function.code_sha_256] = folder
            folder = self._packages[function.code_sha_256]
        environment = {
            "PATH": os.environ["PATH"],
            "LAMBDA_TASK_ROOT": folder,
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_LOG_FORMAT": self.logging[function.function_name]["LogFormat"],
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ACCESS_KEY_ID": signer,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            **function.environment_vars,
        }
        stream = LogStream(
            self._clients("logs", function.region, signer),
            self.logging[function.function_name]["LogGroup"],
            f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}",
        )
        process = _Process(function.handler, folder, environment, stream)
        with self._lock:
            self._started.append(process)
        return process


class _Process:
    def __init__(
        self, handler: str, folder: str, environment: dict[str, str], stream: LogStream
    ) -> None:
        self.handler = handler
        self._process = subprocess.Popen(
            [sys.executable, "-u", str(RUNTIME), handler],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._readers = [
            threading.Thread(target=stream.copy, args=[self._process.stderr], daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def run(self, payload: str, seconds: int) -> dict[str, Any] | None:
        """The handler's response to an event, None if it timed out."""
        assert self._process.stdin
        self._process.stdin.write(
            base64.b64encode(
                json.dumps(
                    {"event": json.loads(payload), "deadline": time.time() + seconds}
                ).encode()
            ).decode()
            + "\n"
        )
        self._process.stdin.flush()
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        with self._process:  # closes its pipes
            for reader in self._readers:
                reader.join()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put(
            {
                "error": {
                    "errorType": "Runtime.ExitError",
                    "errorMessage": f"Runtime exited with status {self._process.wait()}",
                }
            }
        )
