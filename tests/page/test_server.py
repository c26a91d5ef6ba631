"""What the page's server accepts and refuses."""

import http.client
import io
import json
import zipfile
from urllib.parse import urlsplit

import pytest

from local.page import folder, server
from local.page.__main__ import main
from local.page.folder import zipped
from local.page.serving import serving
from samples import key_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page():
    with serving(0) as running:
        yield running


def answer(page, method, path, body=None, **headers):
    """Status and body; ``headers`` replace the page's own Host and Origin."""
    address = urlsplit(page.url)
    own = {"Host": address.netloc, "Origin": f"http://{address.netloc}"}
    sent = {k: v for k, v in {**own, **headers}.items() if v}
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    try:
        connection.request(method, path, body, sent)
        got = connection.getresponse()
        return got.status, got.read().decode(), dict(got.getheaders())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"Host": "evil.example"}),
        ("GET", {"Origin": "https://evil.example"}),
        ("POST", {"Origin": "https://evil.example"}),
        ("POST", {"Origin": "null"}),
        ("POST", {"Origin": ""}),
    ],
    ids=["another host", "another page reads", "another page", "a sandboxed page", "no page"],
)
def test_another_site_is_refused(page, method, headers):
    path = "/" if method == "GET" else "/api/samples/inventory"

    assert answer(page, method, path, **headers)[0] == 403
    assert page.poller.uploads == {}


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/api/timeline?scan=no", "/no"])
def test_every_response_forbids_what_the_page_does_not_need(page, path):
    headers = answer(page, "GET", path, Origin="")[2]

    assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/click", "no json", 400),
        ("/api/click", '{"user": "Mallory", "entry": 0, "button": 0}', 400),
        ("/api/click", '{"user": "Ada", "entry": 0, "button": -1}', 400),
        ("/api/click", '{"user": "Ada", "entry": 0, "button": 0, "answers": {"R": 1}}', 400),
        ("/api/click", '{"user": "Ada", "entry": 99, "button": 0}', 404),
        ("/api/command", "[]", 400),
        ("/api/samples/none", "", 404),
        (f"/api/uploads?app=a&name={'n' * 1100}", "", 400),
        ("/api/uploads?app=a&name=b&user=Mallory", "", 400),
    ],
)
def test_an_invalid_request_gets_an_error_message(page, path, body, status):
    got, text, _ = answer(page, "POST", path, body)

    assert got == status
    assert json.loads(text)["error"]


@pytest.mark.parametrize(
    "path", ["/api/timeline?scan=a/b", "/api/evidence?scan=a/b&name=c", "/api/mails/7", "/mails/7"]
)
def test_a_missing_resource_is_not_found(page, path):
    assert answer(page, "GET", path)[0] == 404


def test_an_invalid_port_is_reported_at_once(capsys):
    with pytest.raises(SystemExit):
        main(["--port", "65536"])

    assert "--port takes 0 to 65535" in capsys.readouterr().err


def test_a_port_in_use_is_reported_at_once(page, capsys):
    assert main(["--port", str(urlsplit(page.url).port)]) == 1
    assert "make up PORT=" in capsys.readouterr().out


FOLDER = {"shop/a.py": b"x = 1\n", "shop/\u00fcn\u00ef/.git/config": b"[core]", "shop/empty": b""}


def send_folder(page, files):
    """Send a folder as a browser does: one part for each ``(path, content)``."""
    edge = "edge-0123456789"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{path}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for path, content in files
    ]
    body = b"".join([*parts, f"--{edge}--\r\n".encode()])
    headers = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    status, text, _ = answer(page, "POST", "/api/folders?app=&name=shop", body, **headers)
    return status, json.loads(text)


def test_a_folder_becomes_a_zip_of_all_its_files(page):
    status, got = send_folder(page, FOLDER.items())

    assert status == 200
    body = page.cloud.client("s3").get_object(
        Bucket=page.cloud.outputs["uploadBucket"],
        Key=key_for("shop.zip"),
        VersionId=got["versionId"],
    )["Body"]
    with zipfile.ZipFile(io.BytesIO(body.read())) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FOLDER


@pytest.mark.parametrize(
    "path", ["../a.py", "/etc/passwd", "shop/./a.py", "shop//a.py", "shop/..", "shop\\a.py", "a\0b"]
)
def test_a_path_that_leads_out_of_the_folder_is_refused(path):
    with pytest.raises(ValueError, match="is no path of a file inside a folder"):
        zipped([(path, io.BytesIO(b""))])


def test_a_hostile_path_gets_an_error_message(page):
    assert send_folder(page, [("shop/../../a.py", b"")])[0] == 400
    assert "twice" in send_folder(page, [("shop/a.py", b"")] * 2)[1]["error"]


def test_a_folder_with_too_many_files_is_refused(page, monkeypatch):
    monkeypatch.setattr(folder, "FILES", 2)

    status, got = send_folder(page, FOLDER.items())

    assert (status, "files" in got["error"]) == (400, True)


@pytest.mark.parametrize("kind", ["uploads", "folders"])
def test_an_upload_that_is_too_large_is_refused(page, monkeypatch, kind):
    monkeypatch.setattr(server, "UPLOAD", 10)

    status, text, _ = answer(page, "POST", f"/api/{kind}?app=&name=shop", b"x" * 11)

    assert (status, "up to" in json.loads(text)["error"]) == (413, True)
