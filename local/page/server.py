"""The page's web server: the poller's data as JSON and server-sent events, on loopback only."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.page import folder
from local.page.poller import PEOPLE, Poller, headline
from samples import SAMPLES, key_for, packed

STATIC = Path(__file__).parent / "static"
UPLOAD = 100 * 1024 * 1024  # maximum bytes of one zip or folder
LATEST = 150  # entries and mails that are loaded with the page
# Nothing from other origins, nothing inline; the frame is for mails.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A mail has inline styles and no scripts; the same origin lets the page measure the frame.
MAIL_POLICY = (
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
READY: dict[str, Callable[[], tuple[str, bytes]]] = {
    "payments": lambda: ("payments/api-1.4.zip", packed(SAMPLES / "payments")),
    "inventory": lambda: ("inventory.zip", packed(SAMPLES / "inventory")),
    "broken": lambda: ("billing/report.zip", b"this is no zip"),
}


def application(
    poller: Poller, about: dict[str, str], port: int, stopped: threading.Event
) -> ASGIApp:
    """The application that serves ``poller`` at ``port``; ``stopped`` ends its event streams."""
    page = _Page(poller, about, stopped)
    routes = [
        Route("/", page.index),
        Route("/events", page.events),
        Route("/mails/{mail:int}", page.mail_html),
        Route("/api/mails/{mail:int}", page.mail),
        Route("/api/entries", page.entries),
        Route("/api/uploads", page.upload, methods=["POST"]),
        Route("/api/folders", page.upload_folder, methods=["POST"]),
        Route("/api/samples/{name}", page.sample, methods=["POST"]),
        Route("/api/click", page.click, methods=["POST"]),
        Route("/api/command", page.command, methods=["POST"]),
        Route("/api/timeline", page.timeline),
        Route("/api/evidence", page.evidence),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return _Guard(Starlette(routes=routes, exception_handlers={HTTPException: _error}), port)


class _Guard:
    """Refuses requests that other sites' pages make, and adds security headers to responses.

    A page of another site can reach a loopback port through its visitor's browser, but it cannot
    forge Host (DNS rebinding) or Origin.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = self._refusal(request)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.lower().encode() not in given
                    ),
                ]
            await send(message)

        answer = PlainTextResponse(refusal, status_code=403) if refusal else self._app
        await answer(scope, receive, send_guarded)

    def _refusal(self, request: Request) -> str:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if host not in self._hosts:
            return "This page is for its own machine: open it by 127.0.0.1 or localhost."
        reads = request.method in ("GET", "HEAD")
        if origin != f"http://{host}" and not (origin is None and reads):
            return "Only this page itself may ask for that."
        return ""


class _Page:
    def __init__(self, poller: Poller, about: dict[str, str], stopped: threading.Event) -> None:
        self._watch, self._about, self._stopped = poller, about, stopped

    async def index(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def events(self, _: Request) -> Response:
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        """The current data, then each change; comments in between detect closed connections."""
        waiting: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def listener(kind: str, data: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(waiting.put_nowait, _event(kind, data))

        poller = self._watch
        with poller.listen(listener):
            with poller.lock:
                now = {
                    "about": self._about,
                    "people": PEOPLE,
                    "uploads": list(poller.uploads.values()),
                    "entries": poller.entries[-LATEST:],
                    "mails": [headline(mail) for mail in poller.mails[-LATEST:]],
                    "mailCount": len(poller.mails),
                }
            yield _event("now", now)
            while not self._stopped.is_set():
                try:
                    yield await asyncio.wait_for(waiting.get(), timeout=1)
                except TimeoutError:
                    yield ": still here\n\n"

    async def entries(self, request: Request) -> Response:
        before = _number(request.query_params.get("before"))
        return JSONResponse(self._watch.entries[max(before - LATEST, 0) : before])

    async def mail(self, request: Request) -> Response:
        return JSONResponse(_at(self._watch.mails, request.path_params["mail"]))

    async def mail_html(self, request: Request) -> Response:
        mail = _at(self._watch.mails, request.path_params["mail"])
        # Links open in a new tab instead of the frame.
        html = mail["html"].replace("<head>", '<head><base target="_blank">', 1)
        return HTMLResponse(html, headers={"Content-Security-Policy": MAIL_POLICY})

    async def upload(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > UPLOAD:
                raise _too_large()
        return await self._put_zip(request, bytes(body))

    async def upload_folder(self, request: Request) -> Response:
        """Take the files of a folder, each under its path, and upload them as one zip."""
        # The server reads no more than Content-Length; files over 1 MB are spooled to disk.
        if _number(request.headers.get("content-length")) > UPLOAD:
            raise _too_large()
        async with request.form(max_files=folder.FILES, max_fields=0) as form:
            files = [
                (upload_file.filename or "", upload_file.file)
                for upload_file in form.getlist("file")
                if isinstance(upload_file, UploadFile)
            ]
            try:
                body = await run_in_threadpool(folder.zipped, files)
            except ValueError as refused:
                raise HTTPException(400, str(refused)) from refused
        return await self._put_zip(request, body)

    async def _put_zip(self, request: Request, body: bytes) -> Response:
        app, name = (request.query_params.get(field, "") for field in ("app", "name"))
        zip_name = name if name.endswith(".zip") else f"{name}.zip"
        key = f"{app}/{zip_name}" if app else key_for(zip_name)
        return await self._put(request, key, body)

    async def sample(self, request: Request) -> Response:
        if request.path_params["name"] not in READY:
            raise HTTPException(404, "There is no such sample.")
        return await self._put(request, *READY[request.path_params["name"]]())

    async def _put(self, request: Request, key: str, body: bytes) -> Response:
        user = request.query_params.get("user", PEOPLE[0])
        if user not in PEOPLE:
            raise HTTPException(400, "An upload is by one of the people of the page.")
        if len(key.encode()) > 1024:
            raise HTTPException(400, "S3 takes names of up to 1,024 bytes.")
        version_id = await run_in_threadpool(self._watch.put, key, body, user)
        return JSONResponse({"versionId": version_id})

    async def click(self, request: Request) -> Response:
        given = await _json(request)
        user, answers = given.get("user"), given.get("answers", {})
        entry, button = given.get("entry"), given.get("button")
        if (
            user not in PEOPLE
            or not (isinstance(entry, int) and isinstance(button, int) and button >= 0)
            or not (isinstance(answers, dict) and all(isinstance(v, str) for v in answers.values()))
        ):
            raise HTTPException(400, "A click names a person, a card, a button and its answers.")
        try:
            await run_in_threadpool(self._watch.click, entry, button, answers, user)
        except LookupError as absent:
            raise HTTPException(404, "There is no such button any more.") from absent
        return JSONResponse({})

    async def command(self, request: Request) -> Response:
        given = await _json(request)
        if given.get("user") not in PEOPLE or not isinstance(given.get("command"), str):
            raise HTTPException(400, "A command names a person and a text.")
        await run_in_threadpool(self._watch.command, given["command"], given["user"])
        return JSONResponse({})

    async def timeline(self, request: Request) -> Response:
        with _found("upload"):
            scan = request.query_params.get("scan", "")
            return JSONResponse(await run_in_threadpool(self._watch.details, scan))

    async def evidence(self, request: Request) -> Response:
        with _found("evidence"):
            scan, name = (request.query_params.get(field, "") for field in ("scan", "name"))
            text = await run_in_threadpool(self._watch.evidence, scan, name)
            return PlainTextResponse(text)


def _event(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


def _number(text: str | None) -> int:
    if not text or not text.isdecimal():
        raise HTTPException(400, "That is no number.")
    return int(text)


def _too_large() -> HTTPException:
    return HTTPException(413, f"The page takes uploads of up to {UPLOAD >> 20} MB.")


def _at(things: list[dict[str, Any]], position: int) -> dict[str, Any]:
    if position >= len(things):
        raise HTTPException(404, "There is no such mail.")
    return things[position]


async def _json(request: Request) -> dict[str, Any]:
    try:
        given = await request.json()
    except ValueError as error:
        raise HTTPException(400, "That is no JSON.") from error
    return given if isinstance(given, dict) else {}


@contextlib.contextmanager
def _found(what: str) -> Any:
    try:
        yield
    except KeyError as absent:
        raise HTTPException(404, f"There is no such {what}.") from absent


def _error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code)
