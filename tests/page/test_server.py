"""What the page's server refuses."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from local.page.__main__ import main
from local.page.serving import serving


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
    assert page.watch.uploads == {}


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/api/way?scan=no", "/no"])
def test_every_answer_forbids_what_the_page_does_not_need(page, path):
    headers = answer(page, "GET", path, Origin="")[2]

    assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/press", "no json", 400),
        ("/api/press", '{"user": "Mallory", "entry": 0, "button": 0}', 400),
        ("/api/press", '{"user": "Ada", "entry": 0, "button": -1}', 400),
        ("/api/press", '{"user": "Ada", "entry": 0, "button": 0, "answers": {"R": 1}}', 400),
        ("/api/press", '{"user": "Ada", "entry": 99, "button": 0}', 404),
        ("/api/command", "[]", 400),
        ("/api/samples/none", "", 404),
        (f"/api/uploads?app=a&name={'n' * 1100}", "", 400),
    ],
)
def test_what_makes_no_sense_is_answered_with_a_word(page, path, body, status):
    got, text, _ = answer(page, "POST", path, body)

    assert got == status
    assert json.loads(text)["error"]


@pytest.mark.parametrize(
    "path", ["/api/way?scan=a/b", "/api/evidence?scan=a/b&name=c", "/api/mails/7", "/mails/7"]
)
def test_what_is_not_there_is_not_found(page, path):
    assert answer(page, "GET", path)[0] == 404


def test_a_port_that_there_is_not_is_told_at_once(capsys):
    with pytest.raises(SystemExit):
        main(["--port", "65536"])

    assert "--port takes 0 to 65535" in capsys.readouterr().err


def test_a_taken_port_is_told_at_once(page, capsys):
    assert main(["--port", str(urlsplit(page.url).port)]) == 1
    assert "make up PORT=" in capsys.readouterr().out
