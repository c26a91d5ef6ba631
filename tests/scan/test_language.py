"""Code is recognised by name in any case, by the first line, and by content."""

import importlib.util
import io
import marshal
import struct
import tarfile
import zipfile

import pytest

from scan.language import LARGEST_COMMENT, LARGEST_METADATA, holds_code, kind_of

PYC = importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(compile("x = 1", "", "exec"))
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def kind(tmp_path, name, content=b"x = 1\n"):
    path = tmp_path / "file"
    path.write_bytes(content)
    return kind_of(path, name)


def zipped():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("evil.py", "import os\n")
    return archive.getvalue()


def tarred():
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as opened:
        opened.addfile(tarfile.TarInfo("evil.py"))
    return archive.getvalue()


def apple_double(behind=b""):
    """RFC 1740: magic, version, filler, one entry of Finder's information."""
    header = struct.pack(">II16sHIII", 0x00051607, 0x00020000, b"Mac OS X", 1, 9, 38, 32)
    return header + bytes(32) + behind


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("a.py", "python"),
        ("a.PY", "python"),
        ("a.pyw", "python"),
        ("a.Js", "javascript"),
        ("a.min.js", "javascript"),
        ("a.mjs", "javascript"),
        ("a.tsx", "tsx"),
        ("A.JAVA", "java"),
        ("a.phtml", "php"),
        ("a.kts", "kotlin"),
        ("a.go", "go"),
        ("main.tf", "terraform"),
        ("Dockerfile", "dockerfile"),
        ("dockerfile", "dockerfile"),
        ("Dockerfile.prod", "dockerfile"),
        ("CMakeLists.txt", "cmake"),
        ("Rakefile", "ruby"),
        ("a.cob", "cobol"),
        ("folder.txt/a.py", "python"),
        ("a.py3", "python"),
        ("a.PY2", "python"),
        (".pythonrc", "python"),
        ("SConstruct", "python"),
        ("a.h++", "c++"),
        ("a.t", "perl"),
        ("a.mts", "ts"),
        ("a.cts", "ts"),
        ("a.es6", "javascript"),
        ("a.es", "javascript"),
        ("a.inc", "php"),
        ("a.ctp", "php"),
        ("a.bicep", "bicep"),
        ("Podfile", "ruby"),
        ("Snakefile", "snakemake"),
        ("a.cgi", "script"),
    ],
)
def test_a_name_tells_the_language_in_any_case(name, tag, tmp_path):
    detected = kind(tmp_path, name)

    assert detected.is_code
    assert tag in detected.tags


def test_languages_have_the_names_that_people_know(tmp_path):
    assert kind(tmp_path, "a.py").language == "Python"
    assert kind(tmp_path, "a.ts").language == "TypeScript"


@pytest.mark.parametrize(
    ("first", "tag"),
    [
        (b"#!/usr/bin/env python3\n", "python"),
        (b"#!/usr/bin/python3.11 -u\n", "python"),
        (b"#!/usr/bin/env -S node --no-warnings\n", "javascript"),
        (b"#! /bin/sh\r\n", "shell"),
        (b"\xef\xbb\xbf#!/usr/bin/env python3\n", "python"),
        (b"#!/usr/bin/python3 \xff\n", "python"),
        (b"#!/usr/bin/env -S uv run --script\n", "python"),
        (b"#!/usr/bin/env -i python3\n", "python"),
        (b"#!/usr/bin/env -u HOME python3\n", "python"),
        (b"#!/usr/bin/env PYTHONPATH=. python3\n", "python"),
        (b"#!/usr/bin/env -S PYTHONPATH=. nice python3 -O\n", "python"),
        (b"#!/usr/bin/env --split-string=python3 -u\n", "python"),
        (b"#!/usr/bin/python3-dbg\n", "python"),
        (b"#!/usr/bin/env pypy3\n", "python"),
        (b'#!"C:\\Program Files\\Python\\PythonW.exe"\r\n', "python"),
        (b"#!/usr/bin/env -S deno run\n", "javascript"),
        (b"#!/usr/bin/env jruby\n", "ruby"),
        (b"#!/usr/bin/php8.2\n", "php"),
        (b"#!/bin/busybox sh\n", "shell"),
        (b"#!/opt/own/thing\n", "script"),
        (b"#!\n", "script"),
        (b"<?php echo 1;", "php"),
        (b"\n  <?PHP echo 1;", "php"),
    ],
)
def test_the_first_line_tells_the_language_of_a_file_without_suffix(first, tag, tmp_path):
    detected = kind(tmp_path, "bin/tool", first + b"print(1)\n")

    assert detected.is_code
    assert tag in detected.tags


def test_a_shebang_makes_code_of_a_text_file(tmp_path):
    assert kind(tmp_path, "notes.txt", b"#!/usr/bin/env python3\n").is_code


@pytest.mark.parametrize("name", ["logo.png", "code.zip", "tool.pyc"])
def test_the_first_line_overrides_a_contradicting_name(name, tmp_path):
    assert "python" in kind(tmp_path, name, b"#!/usr/bin/env python3\nimport os\n").tags


def test_a_file_can_be_of_the_languages_of_its_name_and_its_first_line(tmp_path):
    detected = kind(tmp_path, "tool.js", b"#!/usr/bin/env python3\nimport os\n")

    assert {"javascript", "python"} <= detected.tags
    assert detected.language == "JavaScript, Python"
    assert kind(tmp_path, "a.py", b"#!/opt/own/thing\n").tags == {"python"}
    assert kind(tmp_path, "a.ts", b"#!/usr/bin/env bun\n").language == "TypeScript"
    assert kind(tmp_path, "a.cgi", b"#!/usr/bin/perl\n").language == "Perl"


@pytest.mark.parametrize(
    ("content", "is_code"),
    [
        (b"import os; os.system('x')\n", True),
        (b"# words\r\n../lib\rimport\tos\n", True),
        (b"\xef\xbb\xbfimport os\n", True),
        (b"\0\nimport os\n", True),
        (b"../lib\n# import os\nimports\n", False),
        (b"\x80\x04\x95 model", False),
    ],
)
def test_a_file_of_paths_is_code_where_python_runs_a_line_of_it(content, is_code, tmp_path):
    assert kind(tmp_path, "evil.pth", content).is_code is is_code


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_text_as_windows_writes_it_is_not_opaque(encoding, tmp_path):
    words = "\ufeffwords" if encoding == "utf-16-be" else "words"
    detected = kind(tmp_path, "a.txt", words.encode(encoding))

    assert not detected.is_opaque
    assert not detected.is_code
    assert kind(tmp_path, "a.txt", b"\xff\xfe\0\0\0\xd8").is_opaque


def test_code_stays_code_when_its_bytes_are_not_text(tmp_path):
    assert kind(tmp_path, "a.py", "import os\n".encode("utf-16")).is_code


@pytest.mark.parametrize(
    "name",
    [
        *("README", "LICENSE", "a.md", "a.txt", "a.json", "a.yml", "a.css", "a.csv", "a.pyi", "a"),
        *("build.json", "build.yml", "build.pyi", "Dockerfile.md", "Gemfile.lock", "a.tmpl"),
    ],
)
def test_text_and_data_are_not_code(name, tmp_path):
    detected = kind(tmp_path, name, b"<b>words</b>\n")

    assert not detected.is_code
    assert not detected.is_opaque


def test_php_quoted_in_a_text_is_not_code(tmp_path):
    assert not kind(tmp_path, "README.md", b"<?php echo 1; ?>").is_code


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.woff2", "a.mp4", "a.pdf"])
def test_images_sounds_and_fonts_are_not_code(name, tmp_path):
    detected = kind(tmp_path, name, PNG)

    assert not detected.is_code
    assert not detected.is_opaque


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("lib.zip", zipped(), "archive"),
        ("notes.txt", zipped(), "archive"),
        ("picture.png", PNG + zipped(), "archive"),
        ("notes.txt", b"words\n" * 2000 + zipped(), "archive"),
        ("a.tar", tarred(), "archive"),
        ("picture.png", tarred(), "archive"),
        ("a.jar", b"", "archive"),
        ("tool", b"\x7fELF\x02\x01\x01\x00", "compiled program"),
        ("picture.png", b"\x7fELF\x02\x01\x01\x00", "compiled program"),
        ("a.dll", b"MZ\x90\x00", "compiled program"),
        ("a.wasm", b"\x00asm\x01\x00\x00\x00", "compiled program"),
        ("A.class", b"\xca\xfe\xba\xbe\x00\x00", "compiled program"),
        ("a.gz", b"\x1f\x8b\x08\x00", "archive"),
        ("model.dat", b"\x80\x04\x95\x00\x00", "binary file"),
        ("a.ipynb", b'{"cells": []}', "notebook"),
        ("logo.png", PYC, "bytecode"),
        ("tool", PYC, "bytecode"),
        ("tool", b"\x1bLua\x54\0", "bytecode"),
        ("tool.pyz", b"#!/usr/bin/env python3\n" + zipped(), "archive"),
    ],
)
def test_archives_programs_and_notebooks_are_opaque_whatever_their_name(
    name, content, what, tmp_path
):
    detected = kind(tmp_path, name, content)

    assert detected.is_opaque
    assert detected.why == what


def test_files_of_finder_are_recognised_by_content(tmp_path):
    assert kind(tmp_path, "__MACOSX/._a.py", apple_double()).is_metadata
    assert kind(tmp_path, "._a.php", apple_double(b'<?xml version="1.0"?>')).is_metadata
    assert kind(tmp_path, "._a.sh", apple_double(b"0083;65;Safari;\nbplist\0")).is_metadata
    assert kind(tmp_path, ".DS_Store", b"\x00\x00\x00\x01Bud1").is_metadata
    assert kind(tmp_path, "Icon\r", b"").is_metadata


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("__MACOSX/._a.py", b"import os\n"),
        ("a.py", apple_double()),
        ("._a.php", apple_double(b"<?php system($_GET[0]);")),
        ("._a.php", apple_double(b"<?\nsystem($_GET[0]);")),
        ("._a.php", apple_double(b"<?system($_GET[0]);")),
        ("._a.jsp", apple_double(b"<%= 1 %>")),
        ("._a.cfm", apple_double(b"<cfexecute name='x'>")),
        ("._a.py", apple_double(zipped())),
        ("._a.py", apple_double(bytes(LARGEST_METADATA))),
        ("._a.sh", apple_double(b"\nrm -rf /srv\n")),
    ],
    ids=[
        *("another content", "another name", "PHP behind it", "short tag", "shorter", "JSP"),
        *("CFML", "zip", "large", "shell"),
    ],
)
def test_a_file_that_only_looks_like_one_of_finder_is_code(name, content, tmp_path):
    assert kind(tmp_path, name, content).is_code


def test_an_archive_behind_folder_settings_is_one(tmp_path):
    assert kind(tmp_path, ".DS_Store", b"\x00\x00\x00\x01Bud1" + zipped()).why == "archive"


@pytest.mark.parametrize(
    ("content", "tag", "answer"),
    [
        ("", "python", False),
        ("\n  \n", "java", False),
        ("# only words\n", "python", False),
        ('"""Words."""\n', "python", False),
        ("/* words */\n// words\n", "java", False),
        ("/* \\u002a/ class A {} /* */", "java", True),
        ("x = 1\n", "python", True),
        ("words\n", "unheard-of", True),
        (f"#{'x' * LARGEST_COMMENT}\n", "python", True),
    ],
    ids=["empty", "space", "comment", "docstring", "java", "escape", "code", "unknown", "large"],
)
def test_a_file_of_comments_holds_no_code(content, tag, answer, tmp_path):
    path = tmp_path / "file"
    path.write_text(content)

    assert holds_code(path, frozenset({tag})) is answer
