"""The layout of emails uses what email clients show."""

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from domain import report
from domain.uploader import Uploader
from handlers import email_body, outcome

NODE = Path(__file__).parents[2] / "node"
CLIENTS = ("gmail.*", "outlook.*", "apple-mail.*")
# Features of https://www.caniemail.com that the layout uses although a client lacks them, and why
# that changes nothing of what is read.
LACKING = {
    "@media": "dark mode: the light colours are shown, or the client's own dark ones",
    "<style> element": "has only the dark mode",
    "<body> element": "replaced by a block; colours and fonts are on the tables",
    "role attribute": "says that tables are layout, to screen readers that a client works with",
    "word-break": "Windows Mail, which Microsoft has ended, lets a long key widen the card",
}
CHECK = """
import { caniemail } from "caniemail";
import { readFileSync } from "node:fs";
const { issues } = caniemail({
  clients: process.argv.slice(1), html: readFileSync(0, "utf8"),
});
const lacking = {};
for (const [client, features] of issues.errors)
  for (const { title } of features) (lacking[title] ??= []).push(client);
console.log(JSON.stringify(lacking));
"""


@pytest.fixture(params=["approved", "rejected", "withdrawn"])
def html(request, recorded) -> str:
    """An email with all parts."""
    scan = recorded("scan")
    parsed = report.parse(recorded("report-unanalysed"), f"{scan['app']}/{scan['versionId']}")
    decision = recorded("decision-rejected" if request.param == "rejected" else "decision-approved")
    withdrawal = {"reason": "The fix is out.", "withdrawnAt": "2026-11-25T09:00:00Z"}
    withdrawal = withdrawal if request.param == "withdrawn" else None
    described = outcome.describe(request.param, "api.zip", decision, withdrawal, "")
    by = Uploader("AWS:AROAEXAMPLE:ada@example.com", claim="build@example.com")
    links = {"Execution": "https://console.example.com/x"}
    return email_body.compose(described, scan, by, parsed, decision, withdrawal, links).html()


def features_lacking(html: str) -> dict[str, list[str]]:
    """The clients that lack a feature of ``html``, by feature."""
    if not shutil.which("node") or not (NODE / "node_modules" / "caniemail").is_dir():
        pytest.skip("what clients support is known to an npm package: make setup, with Node.js")
    checked = subprocess.run(
        ["node", "--input-type=module", "--eval", CHECK, *CLIENTS],
        cwd=NODE,
        input=html,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(checked.stdout)


def test_gmail_outlook_and_apple_mail_have_every_feature_of_the_layout(html):
    assert features_lacking(html).keys() <= LACKING.keys()


def test_a_feature_that_outlook_lacks_would_be_noticed():
    lacking = features_lacking('<div style="display:flex;border-radius:8px">x</div>')

    assert "outlook.windows" in lacking["display:flex"]
    assert "outlook.windows" in lacking["border-radius"]


class Styles(HTMLParser):
    """Each element with its inline style, and the elements around it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.around: list[str] = []
        self.words: list[list[dict[str, str]]] = []
        self._styles: list[dict[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text = dict(attrs).get("style") or ""
        style = dict(part.strip().split(":", 1) for part in text.split(";") if part)
        self.elements.append((tag, style, list(self.around)))
        if tag not in ("meta", "br"):
            self.around.append(tag)
            self._styles.append(style)

    def handle_endtag(self, tag: str) -> None:
        self.around.pop()
        self._styles.pop()

    def handle_data(self, data: str) -> None:
        if "body" in self.around and data.strip(" \n\xa0\u00b7"):
            nearest = max(i for i, tag in enumerate(self.around) if tag == "td")
            self.words.append(self._styles[nearest:])


def test_word_which_outlook_renders_with_gets_its_spaces_and_widths_from_tables(html):
    """Partial support, which the check by feature does not tell from full support."""
    for tag, style, _ in Styles(html).elements:
        if style.get("padding", "0") != "0":
            assert tag == "td"
        if "max-width" in style:
            assert tag == "table"
        assert not style.keys() & {"width", "height", "background", "float", "display", "position"}


def test_every_text_has_a_font_of_its_own_cell(html):
    """Word gives a table none of the fonts around it."""
    words = Styles(html).words

    assert len(words) > 20
    assert all("font-family" in cell[0] for cell in words)


def test_nothing_is_loaded_from_the_network(html):
    assert not {tag for tag, *_ in Styles(html).elements} & {"img", "link", "script", "iframe"}
    assert "url(" not in html
    assert "@import" not in html
