"""Random zips as common tools write them: every one must be accepted."""

import random
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.scan.zip_maker import BZIP2, DEFLATED, LZMA, STORED, UTF8, Item, extra, unicode_path

FOLDERS = ("", "", "src/", "src/shop/", "node_modules/x/", "a b/", "./", "__MACOSX/", "ünter/")
NAMES = ("main.py", "evil.py", "notes.txt", "index.js", "run.sh", "Makefile", "README", "x.PY",
         "data.bin", ".hidden", "a.b.c.py", "全角\u3000名.py", "\u0645\u06cc\u200c\u0646.py",
         "👩\u200d💻.py", "cafe\u0301.py", "n\u00a0b.txt", "[id].tsx", "a;b.py", "10:30.log",
         "-x.py")  # fmt: skip
# Info-ZIP's extended timestamp, which differs between the two headers, and its Unix owner.
LOCAL_TIMES = extra(0x5455, b"\x03" + bytes(8)) + extra(0x7875, b"\1\4\0\0\0\0\4\0\0\0\0")
CENTRAL_TIMES = extra(0x5455, b"\x03" + bytes(4)) + extra(0x7875, b"\1\4\0\0\0\0\4\0\0\0\0")
NTFS_TIMES = extra(0x000A, bytes(4) + b"\1\0\x18\0" + bytes(24))
JAR = extra(0xCAFE, b"")
PLAIN = re.compile(rb"[A-Za-z0-9./]+")


@dataclass(kw_only=True)
class Plan:
    """The arguments of ``zip_maker.made``."""

    items: list[Item]
    options: dict[str, Any] = field(default_factory=dict)


def plan(dice: random.Random) -> Plan:
    """A random honest zip of one tool."""
    maker = dice.choice(MAKERS)
    names = dice.sample(NAMES, dice.randint(1, 4))
    made = [maker(dice, dice.choice(FOLDERS) + name) for name in names]
    # In a code page that lacks their letters two names become one, which no tool writes twice.
    items = list({item.name: item for item in made}.values())
    if dice.random() < 0.2:
        items.insert(0, _item(dice, "src/", mode=stat.S_IFDIR | 0o755, content=b""))
    plain = [item for item in items if PLAIN.fullmatch(item.name)]
    if plain and dice.random() < 0.2:
        items.append(_link(dice, plain))
    options: dict[str, Any] = {}
    if dice.random() < 0.2:
        options["comment"] = dice.choice([b"7f1c9d0e" * 5, b"made today", "Größe".encode()])
    if dice.random() < 0.2:
        options["is_zip64"] = True
    return Plan(items=items, options=options)


def _content(dice: random.Random) -> bytes:
    """Content that no other file in the zip has."""
    token = f"x = {dice.getrandbits(64)}\n".encode()
    return token * dice.choice([1, 1, 2, 50, 5000])


def _item(dice: random.Random, name: str, **fields: Any) -> Item:
    fields = {"content": _content(dice), "method": dice.choice([STORED, DEFLATED])} | fields
    if not name.isascii():
        fields["flags"] = fields.get("flags", 0) | UTF8
    return Item(name=name.encode(), **fields)


def _info_zip(dice: random.Random, name: str) -> Item:
    form = dice.choice([{}, {"descriptor": "signed"}, {"descriptor": "signed64", "zip64": "local"}])
    return _item(
        dice,
        name,
        method=dice.choice([STORED, DEFLATED, DEFLATED, BZIP2]),
        **form,
        local_extra=LOCAL_TIMES,
        central_extra=CENTRAL_TIMES,
    )


def _finder(dice: random.Random, name: str) -> Item:
    return _item(dice, name, method=DEFLATED, descriptor="signed", local_extra=LOCAL_TIMES)


def _explorer(dice: random.Random, name: str) -> Item:
    return _item(dice, name, host=0, mode=0, central_extra=dice.choice([b"", NTFS_TIMES]))


def _seven_zip(dice: random.Random, name: str) -> Item:
    method = dice.choice([STORED, DEFLATED, BZIP2, LZMA])
    return _item(dice, name, method=method, central_extra=NTFS_TIMES)


def _java(dice: random.Random, name: str) -> Item:
    descriptor = dice.choice(["signed", ""])
    return _item(
        dice,
        name,
        host=0,
        mode=0,
        flags=UTF8,
        method=DEFLATED,
        descriptor=descriptor,
        local_extra=dice.choice([b"", JAR]),
    )


def _python(dice: random.Random, name: str) -> Item:
    zip64 = dice.choice(["", "", "local", "central", "local central"])
    descriptor = dice.choice(["", "signed64" if "local" in zip64 else "signed"])
    return _item(dice, name, descriptor=descriptor, zip64=zip64)


def _old_tool(dice: random.Random, name: str) -> Item:
    """A tool without Unicode: names in an undeclared code page, or with a second name."""
    item = _item(dice, name, host=0, mode=0)
    item.flags = 0
    if not name.isascii():
        raw = name.encode("cp437", "replace").replace(b"?", b"_")
        if dice.random() < 0.5:
            item.local_extra = item.central_extra = unicode_path(raw, item.name)
        item.name = raw
    return item


def _go(dice: random.Random, name: str) -> Item:
    return _item(dice, name, method=DEFLATED, descriptor=dice.choice(["signed", "bare", "bare64"]))


def _link(dice: random.Random, items: Sequence[Item]) -> Item:
    target = dice.choice(items).name
    suffix = b".txt" if target.endswith(b"/") else b"." + target.rpartition(b".")[2]
    if b"/" in suffix:
        suffix = b""
    return Item(name=b"link" + suffix, content=target, mode=stat.S_IFLNK | 0o777)


MAKERS = (_info_zip, _finder, _explorer, _seven_zip, _java, _python, _old_tool, _go)
