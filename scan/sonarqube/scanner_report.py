"""Reads which files were analysed from the report that the scanner sends to the server.

With ``sonar.scanner.keepReport`` it stays in ``scanner-report`` of the scanner's working folder:
``component-<n>.pb`` describes file n, ``measures-<n>.pb`` has its measures, as Protocol Buffers
(``scanner_report.proto`` of https://github.com/SonarSource/sonarqube). The server's
``api/measures/component_tree`` has the same data, but refuses analysis tokens (403), and shows a
newer analysis once there is one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scan.errors import ScanError

# Fields of the message Component: its number, type, whether it is a test, language and path.
REF, TYPE, IS_TEST, LANGUAGE, PATH = 1, 4, 5, 6, 14
FILE = 4
# Fields of the messages Measure and Measure.IntValue.
METRIC, INTEGER, VALUE = 1, 3, 1
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = int | bytes


@dataclass(frozen=True, kw_only=True)
class ScannedFile:
    """A file in the scanner's report; ``lines`` of code are None if they were not counted.

    ``language`` is SonarQube's key, empty for none.
    """

    language: str
    is_test: bool
    lines: int | None


def read(folder: Path) -> dict[str, ScannedFile]:
    """The files in the report in ``folder``, by their paths in the upload.

    Raises:
        ScanError: the report is missing, or its format is unknown.
    """
    try:
        return dict(_files(folder))
    except (OSError, ValueError) as error:
        raise ScanError(
            "ScannerFailed",
            f"What SonarQube's scanner reports cannot be read: {type(error).__name__}: {error}.",
            "Use a version of SonarQube that docs/sonarqube.md names.",
        ) from error


def _files(folder: Path) -> Iterator[tuple[str, ScannedFile]]:
    components = list(folder.glob("component-*.pb"))
    if not components:
        raise FileNotFoundError(f"no component in {folder.name}")
    for path in components:
        component = _message(path.read_bytes())
        if component.get(TYPE) == FILE:
            measures = folder / f"measures-{component[REF]}.pb"
            yield (
                _text(component, PATH),
                ScannedFile(
                    language=_text(component, LANGUAGE) if LANGUAGE in component else "",
                    is_test=bool(component.get(IS_TEST)),
                    lines=_lines(measures.read_bytes()) if measures.is_file() else None,
                ),
            )


def _lines(measures: bytes) -> int | None:
    """The metric ``ncloc``; the file is a sequence of messages, each preceded by its length."""
    position = 0
    while position < len(measures):
        size, position = _varint(measures, position)
        measure = _message(_slice(measures, position, size))
        position += size
        if measure.get(METRIC) == b"ncloc":
            value = measure.get(INTEGER)
            if not isinstance(value, bytes):
                raise ValueError("ncloc is not a number")
            # Zero, the default, is not written.
            number = _message(value).get(VALUE, 0)
            return int(number)
    return None


def _text(message: Mapping[int, Field], field: int) -> str:
    value = message.get(field)
    if not isinstance(value, bytes):
        raise ValueError(f"field {field} is not a text")
    return value.decode()


def _message(data: bytes) -> dict[int, Field]:
    """The last value of each field (https://protobuf.dev/programming-guides/encoding/)."""
    fields: dict[int, Field] = {}
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            fields[number], position = _varint(data, position)
            continue
        if kind == BYTES:
            size, position = _varint(data, position)
        elif kind in {FIXED64, FIXED32}:
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"unknown kind of field: {kind}")
        fields[number] = _slice(data, position, size)
        position += size
    return fields


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """The number that begins at ``position``, and where it ends."""
    number = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return number, position
    raise ValueError("a number without end")


def _slice(data: bytes, position: int, size: int) -> bytes:
    if position + size > len(data):
        raise ValueError("a field that is cut off")
    return data[position : position + size]
