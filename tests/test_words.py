"""A term that was dropped from the project's vocabulary does not come back.

docs/glossary.md defines the terms that are used instead. Names are checked where they are defined,
so other people's APIs may be called as they are; prose is checked in comments, strings, docs and
names of tests, which are sentences.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SUFFIXES = {".py", ".md", ".js", ".html", ".yaml", ".yml", ".toml", ""}
# What others wrote, what tools wrote, and what was released under the old terms.
SKIPPED = (
    "CHANGELOG.md",
    "LICENSE",
    "tests/test_words.py",
    "tests/golden/*",
    "tests/released/*",
    "tests/scan/sarif_of/*",
    "tests/scan/sonarqube_answers/*",
    "tests/simulation/kept/*",
)

# Terms in prose: a regular expression for whole words, and what to write instead.
PROSE = {
    r"mend(s|ed|ing)?": "fix (the field: remediation)",
    r"nobody (is|was|gets) bothered|bother(s|ed)? nobody": "no notification is sent",
    r"what(ever)? (comes|came|becomes|became) of": "the result of",
    r"whoever": "anyone who",
    r"anew": "again",
    r"in vain": "without success",
    r"twice is harmless": "idempotent",
    r"ways? of (an upload|uploads)": "lifecycle of an upload",
    r"upload to word": "time to result",
    r"bare (way|counterpart|program|scanner|resources)": "baseline",
    r"verdicts?": "gate result, decision",
    r"press(es|ed|ing)?": "click",
    r"(un)?heard": "resumed, notified",
    r"wak(e|es|ing)|woken?": "resume",
    r"announc(e|es|ed|ing|ements?)": "notify, publish, notification",
    r"work bucket": "state bucket",
    r"flood(s|ed|ing)?": "notification storm",
    r"troubles?": "error",
    r"broken scans?|scans? (is|are|was|were|be) broken|scan broken": "scan failed to run",
    r"(holds?|held) until": "valid until",
    r"nothing was judged|judg(es|ed|ing)": "evaluated",
    r"pieces? of evidence": "document of evidence",
    r"what stands|as it stands": "what is stored, as stored",
    r"as in [0-9]+[smhd]?": "for example",
    r"rooms": "packages",
}
# Terms in names (of modules, classes, functions, variables, settings), split into words.
NAMES = {
    r"mend(s|ed|ing)?": "fix, remediation",
    r"verdicts?": "gate result, decision",
    r"press(es|ed)?": "action, click",
    r"(un)?heard|hears?": "resumed, received",
    r"wakes?|woken?": "resume",
    r"announce[ds]?|announcements?": "notify",
    r"(un)?told|tells?": "notify, describe, response",
    r"unnamed": "invalid key",
    r"flood(s|ed)?": "notification storm",
    r"pieces?": "stored object, document, chunk",
    r"troubles?": "error",
    r"broken": "error, scan error",
    r"judged": "evaluated, quality gate",
    r"moments?": "timestamp",
    r"(?<!dead )letters?": "email, dead letter",
    r"digests?": "sha256 (digest is the summary card)",
    r"work bucket": "state bucket",
    r"record who|who pressed": "record approver",
    r"log days|upload days": "log retention days, upload retention days",
    r"create sender": "create email identity",
    r"asked at|pressed at|judged at": "requested at, clicked at, evaluated at",
    r"whatever happens": "continue on error",
    r"before trouble": "catchers",
    r"superfluous|mapped|several": "unknown setting, mapping, list",
    r"guards|guard key|only tls": "resource policies, key policy, deny insecure transport",
    r"set aside|steering": "remove, scanner config",
    r"places": "thread slots, locations",
    r"mortal|hurry|no patience|hasty|die": "crash, timeouts, retries",
    r"bare": "baseline",
}
# Names that a definition must not have: the thing has a name of its own.
VARIABLES = {
    **dict.fromkeys(("each", "found", "said", "shown", "asked", "told"), "the thing's own name"),
    **dict.fromkeys(("kept", "stands", "standing"), "stored, current"),
    **dict.fromkeys(("looked", "Looked"), "inspection"),
    **dict.fromkeys(("Subject",), "ScanLinks"),
    **dict.fromkeys(("Course", "Trial", "People"), "FaultRun, FaultCase, Actor"),
}
# Contracts, wherever they stand: evidence, settings, outputs, states, alarms, metrics.
CONTRACTS = {
    r"verdict\.json": "gate-result.json",
    r"pressed/": "actions/",
    r"flood/": "thread-slots/",
    r"pressedAt|judgedAt|askedAt": "clickedAt, evaluatedAt, requestedAt",
    r"workBucket|WORK_BUCKET": "stateBucket, STATE_BUCKET",
    r"recordWho": "recordApprover",
    r"logDays|uploadDays": "logRetentionDays, uploadRetentionDays",
    r"createSender": "createEmailIdentity",
    r"\"unnamed\"": "invalid-key",
    r"(Mark|Tell|Announce|Hear)(?=[A-Z])\w+|Clear(Passed|Approved)\w*": "TagStatus, Notify",
    r"HoldDeaf|LetFloodBegin|OpenedHere|CloseMoot|NobodyDecided|PeekDecision|HoldException": (
        "WaitWithoutCallback, WaitForDigest, IsNewScan, SupersedeRequest, ExpireRequest, "
        "CheckForDecision, ApprovalActive"
    ),
    r"cards-undelivered": "notifications-undelivered",
    r"events-lost": "dead-letter-delivery-failed",
    r"no-scans(?!-completed)": "no-scans-completed",
    r"presses-(failed|unheard)": "button-errors, resume-failed",
    r"scans-broken": "scan-errors",
    r"verdicts-late": "results-late",
    r"exceptions-ending": "approvals-expiring",
    r"ScansJudged|ScansBroken": "ScansCompleted, ScanErrors",
    r"SecondsToVerdict": "SecondsToResult",
    r"Presses(Failed|Unheard)": "ButtonErrors, ResumeFailed",
}
MODULES = {
    "moment": "timestamps",
    "outside": "sanitize",
    "letter": "email_body",
    "wake": "resume",
    "pressed": "approvers",
    "flood": "notification_storm",
    "who": "approver_audit",
    "announce": "notify",
    "gaps": "moto_patches",
    "speed": "moto_caches",
    "story": "state_descriptions",
    "service_rules": "chat_service_validation",
    "way": "timeline",
    "watch": "poller",
    "keep": "persistence",
    "picture": "graph_layout",
    "cloud": "account",
    "shown": "output",
    "problem": "errors",
    "caller": "identity",
    "chain": "evidence_chain",
    "broken": "errors",
    "steering": "scanner_config",
    "judged": "quality_gate",
    "leaving": "reporting",
    "pairs": "comparison",
    "bare": "baseline",
}
# (file, term, reason): where a dropped term means something else.
ALLOWED = [
    ("domain/findings.py", "letters", "SonarQube's ratings are letters"),
    ("handlers/notification_storm.py", "digest", "the summary card of a notification storm"),
    ("components/*", "digest", "the settings of the summary card"),
    ("tests/*", "digest", "the summary card of a notification storm"),
    ("bench/*", "digest", "the summary card of a notification storm"),
    ("handlers/check_build_status.py", "digest", "the settings of the summary card"),
    ("scan/language.py", "letters", "letters of the alphabet"),
    ("components/upload_gate.py", "upload days", "an argument with its subject: replaced uploads"),
    ("tests/simulation/model/chain.py", "chain", "the model's rules about the chain of evidence"),
]


def sources() -> dict[str, str]:
    """The text of each file of the repository that people wrote."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return {
        name: (ROOT / name).read_text(errors="replace")
        for name in listed
        if Path(name).suffix in SUFFIXES
        and not any(fnmatch(name, pattern) for pattern in SKIPPED)
        and (ROOT / name).is_file()
    }


def any_of(terms: dict[str, str]) -> re.Pattern[str]:
    """One expression for whole words of prose; it may stand in several lines."""
    alternatives = "|".join(term.replace(" ", r"[\s#\"]+") for term in terms)
    return re.compile(rf"(?<![\w/.`-])(?:{alternatives})(?![\w`/(=-])", re.IGNORECASE)


def instead(term: str, terms: dict[str, str]) -> str:
    """What to use for ``term``, by the first expression that fits it."""
    plain = re.sub(r"[\s#\"]+", " ", term)
    return next(new for old, new in terms.items() if re.fullmatch(old, plain, re.IGNORECASE))


def words(name: str) -> str:
    """A name in words: ``record_who``, ``recordWho`` and ``RecordWho`` alike."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_+", " ", name).strip().lower()


PROSE_TERMS = any_of(PROSE)
NAME_TERMS = re.compile(rf"\b(?:{'|'.join(NAMES)})\b")
CONTRACT_TERMS = re.compile(rf"(?<![\w-])(?:{'|'.join(CONTRACTS)})(?![\w-])")


def defined(text: str) -> Iterator[tuple[str, int]]:
    """Each name that a Python file defines, with its line."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno


def in_prose(text: str) -> Iterator[tuple[str, int]]:
    """Each dropped term in the comments and strings of a Python file, with its line."""
    if not PROSE_TERMS.search(text):
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            for match in PROSE_TERMS.finditer(token.string):
                # A string of one word is a name: of a field, a file or a function.
                if token.type == tokenize.COMMENT or re.search(r"\s", token.string):
                    yield match[0], token.start[0] + token.string[: match.start()].count("\n")


def name_hits(name: str) -> Iterator[tuple[str, str]]:
    """The dropped terms in one name, each with what to use instead."""
    if name in VARIABLES:
        yield name, VARIABLES[name]
    plain = words(name)
    if plain.startswith("test "):
        for match in PROSE_TERMS.finditer(plain):
            yield match[0], instead(match[0], PROSE)
    else:
        for match in NAME_TERMS.finditer(plain):
            yield match[0], instead(match[0], NAMES)


def hits(path: str, text: str) -> Iterator[tuple[int, str, str]]:
    """``(line, term, what to use)`` for each dropped term in a file."""
    if (stem := Path(path).stem.removeprefix("test_")) in MODULES:
        yield 1, stem, MODULES[stem]
    for match in CONTRACT_TERMS.finditer(text):
        new = next(new for old, new in CONTRACTS.items() if re.fullmatch(old, match[0]))
        yield text.count("\n", 0, match.start()) + 1, match[0], new
    if path.endswith(".py"):
        for name, line in defined(text):
            for term, new in name_hits(name):
                yield line, f"{term} in {name}" if term != name else term, new
        for term, line in in_prose(text):
            yield line, term, instead(term, PROSE)
        return
    for match in PROSE_TERMS.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[0], instead(match[0], PROSE)
    if path.endswith(".js"):
        for match in re.finditer(r"\b(?:function|const|let)\s+(\w+)", text):
            for term, new in name_hits(match[1]):
                yield text.count("\n", 0, match.start()) + 1, f"{term} in {match[1]}", new


def is_allowed(path: str, term: str) -> bool:
    """Whether the exceptions have ``term`` in this file."""
    return any(fnmatch(path, glob) and old in term.lower() for glob, old, _ in ALLOWED)


def test_no_dropped_term_comes_back():
    listed = [
        f"{path}:{line}: {term!r}, use: {new}"
        for path, text in sources().items()
        for line, term, new in hits(path, text)
        if not is_allowed(path, term)
    ]

    assert not listed, "dropped terms (docs/glossary.md):\n" + "\n".join(listed[:50])


@pytest.mark.parametrize(
    ("path", "text", "term"),
    [
        ("a.py", "# Press again.\n", "Press"),
        ("a.py", 'SENTENCE = "the verdict is in"\n', "verdict"),
        ("a.py", "def wake_up():\n    pass\n", "wake in wake_up"),
        ("a.py", "for each in ():\n    pass\n", "each"),
        ("a.py", "def test_a_press_decides():\n    pass\n", "press in test_a_press_decides"),
        ("a.md", "It is scanned\nanew.\n", "anew"),
        ("a.yaml", "description: as in 72h\n", "as in 72h"),
        ("a.js", "const heard = 1;\n", "heard in heard"),
        ("moment.py", "", "moment"),
        ("a.json.md", "`verdict.json`\n", "verdict.json"),
    ],
)
def test_a_dropped_term_is_found(path, text, term):
    assert term in [term for _, term, _ in hits(path, text)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "hashlib.sha256(b'').hexdigest()\n"),
        ("a.py", "# the field ``verdict`` of version 1, keep-alive, expressed, compressed\n"),
        ("a.py", "client.announce()\n"),
        ("a.md", "[who](approver-audit.md) presses-like\n"),
    ],
)
def test_other_words_and_apis_are_left_alone(path, text):
    assert [*hits(path, text)] == []
