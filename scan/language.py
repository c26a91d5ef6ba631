"""Detects whether a file is code, and in which language: by name, shebang and content."""

import codecs
import re
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from identify import extensions, identify
from pygments.lexers import find_lexer_class_by_name, find_lexer_class_for_filename
from pygments.token import Comment, String
from pygments.util import ClassNotFound

from scan import more_names
from scan.folders import files_below

START = 8192
# In bytes; Pygments reads a whole file into memory, and is slow.
LARGEST_COMMENT = 200_000
PHP = re.compile(rb"\s*<\?(?:php\b|=)", re.IGNORECASE)
# PHP can be configured to run what follows `<?` alone (short_open_tag).
EMBEDDED = re.compile(rb"<\?(?!xml version=)|<%|<script|<cf|<jsp:", re.IGNORECASE)
LINE = re.compile(rb"\n[\t -~]+(?:[\r\n]|\Z)")
# Python runs such lines of a .pth file at start: https://docs.python.org/3/library/site.html.
IMPORTS = re.compile(rb"(?:^|\r|\xef\xbb\xbf)import[ \t]", re.MULTILINE)
LARGEST_PTH = 1024 * 1024
# Magic number and flags, as importlib writes them (PEP 552).
PYC = re.compile(rb"..\r\n[\x00-\x03]\x00\x00\x00", re.DOTALL)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# RFC 1740: magic number and version; what follows describes entries of the file.
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00"
FINDER = b"\x00\x00\x00\x01Bud1"
LARGEST_METADATA = 16 * 1024 * 1024
MAGIC = {
    b"\x7fELF": "compiled program",
    b"MZ": "compiled program",
    b"\xca\xfe\xba\xbe": "compiled program",
    b"\xfe\xed\xfa": "compiled program",
    b"\xce\xfa\xed\xfe": "compiled program",
    b"\xcf\xfa\xed\xfe": "compiled program",
    b"\x00asm": "compiled program",
    b"\x1bLua": "bytecode",
    b"dex\n": "bytecode",
    b"BC\xc0\xde": "bytecode",
    b"\xed\xab\xee\xdb": "archive",
    b"!<arch>\n": "archive",
    b"PK\x03\x04": "archive",
    b"PK\x05\x06": "archive",
    b"\x1f\x8b": "archive",
    b"BZh": "archive",
    b"\xfd7zXZ\x00": "archive",
    b"7z\xbc\xaf\x27\x1c": "archive",
    b"Rar!\x1a\x07": "archive",
    b"\x28\xb5\x2f\xfd": "archive",
    b"MSCF": "archive",
}
# In lower case: some file systems ignore the case of names.
NAMES = {name.lower(): tags for name, tags in extensions.NAMES.items()}
ARCHIVES = {"zip", "jar", "wheel", "pyz", "tar", "gzip", "bzip2", "bzip3", "asar"}
SCRIPT, PYTHON = frozenset({"script"}), frozenset({"python"})
# Binary formats that are not executed.
MEDIA = {
    "image", "audio", "icon", "icns", "eot", "otf", "ttf", "woff", "woff2", "pdf", "eps", "fits",
    "adobe-illustrator", "p12", "pem",
}  # fmt: skip
MEDIA_SUFFIXES = {
    ".mp3", ".mp4", ".m4a", ".mov", ".avi", ".webm", ".ogg", ".flac", ".mkv", ".heic", ".psd",
    ".xcf", ".mo",
}  # fmt: skip
# Tags of identify and aliases of Pygments for text and data. All others count as code, so that
# languages which they add later are not missed.
# fmt: off
NO_CODE = frozenset({
    "alpm", "apacheconf", "apinotes", "asciidoc", "avdl", "avro-schema", "babelrc", "bazelrc",
    "beancount", "bib", "bibtex", "bowerrc", "browserslistrc", "capnp", "cargo", "cargo-lock",
    "cddl", "cheetah", "codespellrc", "console", "control", "coveragerc", "cson", "csproj", "css",
    "csslintrc", "csv", "cylc", "dbc", "debcontrol", "debsources", "def", "desktop", "diff",
    "docker-compose", "dockerignore", "doscon", "dot", "dotenv", "dpatch", "dtd",
    "editorconfig", "edn", "ejson", "entitlements", "flake8", "fsproj", "gemfile-lock",
    "geojson", "gettext", "gherkin", "gitattributes", "gitconfig", "gitignore", "gitlint",
    "gitmodules", "go-mod", "go-sum", "gpx", "graphql", "graphviz", "groff", "hexdump", "hgrc",
    "http", "ical", "icalendar", "idl", "ini", "inx", "irc", "isort", "java-properties",
    "jshintrc", "json", "json5", "jsonld", "jsonlines", "kml", "kmsg", "lazarus-form", "ldif",
    "lektor", "lektorproject", "less", "lighttpd", "linuxconfig", "mailmap", "man", "manifest",
    "map", "markdown", "mediawiki", "mention-bot", "mib", "mime", "modulemap", "msbuild",
    "myst", "ndjson", "ngdoc", "nginx", "notmuch", "npmignore", "nroff", "output", "pacmanconf",
    "pdbrc", "pipfile-lock", "piskel", "plain-text", "plantuml", "plist", "po", "poetry-lock",
    "pofile", "pom", "pot", "prettierignore", "prisma", "properties", "proto", "protobuf",
    "pyi", "pylintrc", "pypirc", "pyproj", "pyproject", "rdf", "registry", "relax-ng", "rest",
    "restructuredtext", "resx", "rst", "salt-lint", "sass", "scss", "sieve", "sln", "slnx",
    "sparql", "spec", "squid", "squidconf", "stylus", "svg", "swiftdeps", "systemd", "tablegen",
    "tap", "termcap", "terminfo", "tex", "text", "textproto", "tnt", "toml", "trac-wiki",
    "trig", "tsv", "ttl", "turtle", "txsprofile", "udiff", "unixconfig", "urdf", "uv-lock",
    "vbproj", "vcard", "vcxproj", "vdx", "wikitext", "wixproj", "wkt", "wsdl", "wxi", "wxl",
    "wxs", "xacro", "xaml", "xcconfig", "xcodebuild", "xcprivacy", "xcscheme", "xcsettings",
    "xctestplan", "xcworkspacedata", "xliff", "xml", "xsd", "yaml", "yamlld", "yamllint",
    "yang", "yin", "zcml",
})
# fmt: on


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What a file is: code, opaque (``why`` says of what sort), or neither; text or not.

    ``tags`` are those of `identify <https://github.com/pre-commit/identify>`_ that name languages.
    """

    is_code: bool = False
    is_opaque: bool = False
    is_text: bool = False
    is_metadata: bool = False
    tags: frozenset[str] = frozenset()
    language: str = ""
    why: str = ""


def kind_of(path: Path, name: str) -> Kind:
    """The kind of the file at ``path``, whose name in the upload is ``name``."""
    with path.open("rb") as file:
        start = file.read(START)
    if _is_metadata(name, start, path):
        return Kind(is_metadata=True)
    named = _tags(name)
    is_text, suffix = b"\0" not in start, PurePosixPath(name).suffix.lower()
    spoken = _spoken(start, named)
    if code := _code_tags(named):
        # Name and first line may disagree, and the file can be run as either language.
        return _code(is_text, code, spoken)
    opaque = _opaque(path, start, is_text)
    if not opaque and (spoken or _is_run_at_start(path, suffix)):
        return _code(is_text, spoken or PYTHON)
    if opaque := opaque or _named_opaque(named, suffix):
        return Kind(is_opaque=True, is_text=is_text, tags=named, language=opaque, why=opaque)
    if is_text or named & MEDIA or suffix in MEDIA_SUFFIXES or _is_utf16(start):
        return Kind(is_text=is_text, tags=named)
    return Kind(is_opaque=True, language="binary file", why="binary file")


def names_code(base: str) -> frozenset[str]:
    """The programming languages that this file name stands for; empty if it is not code."""
    return _code_tags(_tags(base))


def holds_code(path: Path, tags: frozenset[str]) -> bool:
    """Whether the file has more than white space and comments.

    True in case of doubt: if it is too large to check, or the language is unknown.
    """
    if path.stat().st_size > LARGEST_COMMENT:
        return True
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.strip():
        return False
    lexer = _lexer(tags)
    # Java decodes \u002a to an asterisk even in comments, so such a comment can end early.
    if lexer is None or "\\u" in text:
        return True
    return any(
        value.strip() and kind not in Comment and kind not in String.Doc
        for kind, value in lexer().get_tokens(text)
    )


def _code_tags(named: frozenset[str]) -> frozenset[str]:
    """The tags that name programming languages; none for names of binary formats."""
    return frozenset() if named & (MEDIA | {"binary", "jupyter"}) else named - NO_CODE - ARCHIVES


def _code(is_text: bool, code: frozenset[str], spoken: frozenset[str] = frozenset()) -> Kind:
    """Code in the language of its name, its first line (``spoken``), or both if they differ."""
    known = [tags for tags in (code - SCRIPT, spoken - SCRIPT - code) if tags] or [SCRIPT]
    if code & spoken - SCRIPT:
        known = known[:1]
    return Kind(
        is_code=True,
        is_text=is_text,
        tags=(code | spoken) - SCRIPT or SCRIPT,
        language=", ".join(dict.fromkeys(_language(tags) for tags in known)),
    )


def kinds_below(source: Path) -> dict[str, Kind]:
    """The kinds of all files below ``source``, by their paths in it."""
    names = (path.relative_to(source).as_posix() for path in files_below(source))
    return {name: kind_of(source / name, name) for name in names}


def _is_metadata(name: str, start: bytes, path: Path) -> bool:
    """Whether it is a file that macOS adds: AppleDouble, folder settings, or a folder icon."""
    base = PurePosixPath(name).name
    if base == "Icon\r" and not start:
        return True
    is_settings = start.startswith(FINDER) and base == ".DS_Store"
    is_double = start.startswith(APPLE_DOUBLE) and base.startswith("._")
    if not (is_settings or is_double) or path.stat().st_size > LARGEST_METADATA:
        return False
    # Such a file could still be run as code: languages embedded in markup ignore what comes before
    # them, Python runs a zip with any prefix, and dash continues at the next line. Other languages
    # stop at the first zero byte.
    content = path.read_bytes()
    is_shell = "shell" in _tags(name) and LINE.search(content)
    return not (EMBEDDED.search(content) or is_shell or zipfile.is_zipfile(path))


@lru_cache(maxsize=4096)
def _by_suffix(suffix: str) -> frozenset[str]:
    base = f"x{suffix.lower()}"
    tags = identify.tags_from_filename(base) | more_names.LANGUAGES.get(suffix.lower(), frozenset())
    return frozenset(tags) - {"text"} or _by_lexer(base)


@lru_cache(maxsize=4096)
def _by_name(base: str) -> frozenset[str]:
    tags = NAMES.get(base, frozenset()) | more_names.LANGUAGES.get(base, frozenset())
    return frozenset(tags) - {"text"}


def _by_lexer(base: str) -> frozenset[str]:
    try:
        lexer: Any = find_lexer_class_for_filename(base)
    except ClassNotFound:
        return frozenset()
    return frozenset(lexer.aliases[:1]) if lexer else frozenset()


def _tags(name: str) -> frozenset[str]:
    """The tags of a file name: by the suffix and the whole name, else by the part before a dot."""
    base = PurePosixPath(name).name.lower()
    # Suffixes are few, so their cache is effective; names are as many as files.
    suffix = PurePosixPath(base).suffix
    by_suffix = _by_suffix(suffix) if suffix else frozenset()
    if suffix:
        # Dockerfile.prod is a Dockerfile, but build.json is not a BUILD file.
        return by_suffix | _by_name(base) or _by_name(base.split(".")[0])
    return _by_name(base) or _by_lexer(base)


def _opaque(path: Path, start: bytes, is_text: bool) -> str:
    """The opaque format that the content shows, whatever the name; empty for none."""
    for magic, what in MAGIC.items():
        if start.startswith(magic) and (not is_text or magic.startswith((b"PK", b"BZh", b"!<"))):
            return what
    if start[257:262] == b"ustar" or zipfile.is_zipfile(path):
        return "archive"
    return "bytecode" if PYC.match(start) else ""


def _named_opaque(named: frozenset[str], suffix: str) -> str:
    if "jupyter" in named:
        return "notebook"
    if named & ARCHIVES:
        return "archive"
    return "bytecode" if suffix in {".pyc", ".pyo", ".class", ".beam"} else ""


def _spoken(start: bytes, named: frozenset[str]) -> frozenset[str]:
    """The languages of the first line: after ``#!``, or ``<?php`` in a file whose name has no tags.

    All programs in a ``#!`` line count, since ``env -S`` and others start further ones.
    """
    start = start.removeprefix(BYTE_ORDER_MARK)
    if not start.startswith(b"#!"):
        return frozenset({"php"}) if not named and PHP.match(start) else frozenset()
    line = start[2:].splitlines()[0].decode("latin-1") if start[2:] else ""
    programs = (re.split(r"[/\\]", word)[-1] for word in re.split(r"[\s\"'=]+", line))
    return frozenset().union(*map(_interpreted, programs)) or SCRIPT


def _interpreted(program: str) -> frozenset[str]:
    """The languages that ``program`` runs, without its version and suffix as in python3-dbg."""
    letters = re.match(r"[a-z]*(?:-[a-z]+)?", program.lower().removesuffix(".exe"))
    known = [program, *((letters[0], letters[0].partition("-")[0]) if letters else ())]
    tags = [identify.tags_from_interpreter(item) for item in known if item]
    return frozenset().union(*tags, *(more_names.INTERPRETERS.get(item, ()) for item in known))


def _is_run_at_start(path: Path, suffix: str) -> bool:
    if suffix != ".pth":
        return False
    # PyTorch models have the suffix .pth, too.
    with path.open("rb") as file:
        return IMPORTS.search(file.read(LARGEST_PTH)) is not None


def _is_utf16(start: bytes) -> bool:
    """Whether it is UTF-16 text with a byte order mark, which Windows writes."""
    if not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    try:
        text = codecs.getincrementaldecoder("utf-16")().decode(start)
    except UnicodeDecodeError:
        return False
    return "\0" not in text


@lru_cache(maxsize=256)
def _lexer(tags: frozenset[str]) -> Any:
    for tag in sorted(tags, key=len, reverse=True):
        try:
            return find_lexer_class_by_name(tag)
        except ClassNotFound:
            continue
    return None


def _language(tags: frozenset[str]) -> str:
    lexer = _lexer(tags)
    return lexer.name if lexer else min(tags)
