"""Random changes to an honest zip: in one field, in the order of its parts, or in any byte."""

import random
import stat
from collections.abc import Callable

from tests.fuzz.honest import Plan, plan
from tests.fuzz.odd_values import EXTRAS, HOSTS, MODES, NAMES, SIGNATURES, TARGETS
from tests.scan import zip_maker
from tests.scan.zip_maker import (
    BZIP2,
    DEFLATED,
    FULL,
    LZMA,
    STORED,
    UTF8,
    Item,
    compressed,
    extra,
    made,
    unicode_path,
)


def zip_of(seed: str) -> tuple[bytes, str]:
    """The zip of ``seed``, and the names of its mutations; none if it is honest."""
    dice = random.Random(seed)
    made_up = plan(dice)
    if dice.random() < 0.1:
        return made(*made_up.items, **made_up.options), ""
    names = []
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        mutate = dice.choice(OF_PLAN)
        mutate(dice, made_up)
        names.append(mutate.__name__)
    body = made(*made_up.items, **made_up.options)
    if dice.random() < 0.2:
        change = dice.choice(OF_BYTES)
        body = change(dice, body)
        names.append(change.__name__)
    return body, " ".join(names)


def _value(dice: random.Random, kind: str) -> int | bytes:
    if kind == "4s":
        return dice.choice(SIGNATURES)
    return dice.choice([0, 1, 2, 3, 6, 8, 20, 45, 100, 0x800, 0xFFFF, FULL, dice.getrandbits(32)])


def _fields(dice: random.Random, layout: tuple[str, ...]) -> dict[str, int | bytes]:
    name, kind = dice.choice(layout).split(":")
    return {name: _value(dice, kind)}


def _any(dice: random.Random, which: Plan) -> Item:
    return dice.choice(which.items)


def local(dice: random.Random, which: Plan) -> None:
    """One field of one local header."""
    _any(dice, which).local |= _fields(dice, zip_maker.LOCAL)


def central(dice: random.Random, which: Plan) -> None:
    """One field of one entry of the directory."""
    _any(dice, which).central |= _fields(dice, zip_maker.CENTRAL)


def both(dice: random.Random, which: Plan) -> None:
    """One field of both headers."""
    item, fields = _any(dice, which), _fields(dice, zip_maker.LOCAL)
    item.local |= fields
    item.central |= {name: value for name, value in fields.items() if name != "signature"}


def near(dice: random.Random, which: Plan) -> None:
    """A size that is nearly right, in one header or in all that have it."""
    item = _any(dice, which)
    name = dice.choice(["size", "packed", "crc"])
    packed = compressed(item.content, item.method)
    right = {"size": len(item.content), "packed": len(packed), "crc": 0}[name]
    fields: dict[str, int | bytes] = {name: max(0, right + dice.choice([-30, -2, -1, 1, 2, 30]))}
    for record in dice.choice([["local"], ["central"], ["local", "central", "described"]]):
        getattr(item, record).update(fields)


def described(dice: random.Random, which: Plan) -> None:
    """One field of a data descriptor."""
    item = _any(dice, which)
    item.descriptor = dice.choice(list(zip_maker.DESCRIPTORS))
    item.described |= _fields(dice, zip_maker.DESCRIPTORS[item.descriptor])


def descriptor(dice: random.Random, which: Plan) -> None:
    """A data descriptor of another form, or none although the flags require one."""
    item = _any(dice, which)
    item.descriptor = dice.choice(["", *zip_maker.DESCRIPTORS])
    if dice.random() < 0.3:
        item.flags ^= zip_maker.DESCRIPTOR


def end(dice: random.Random, which: Plan) -> None:
    """One field of an end record."""
    which.options["is_zip64"] = dice.random() < 0.6
    name, layout = dice.choice(
        [("end", zip_maker.END), ("end64", zip_maker.END64), ("locator", zip_maker.LOCATOR)]
    )
    which.options[name] = which.options.get(name, {}) | _fields(dice, layout)


def zip64(dice: random.Random, which: Plan) -> None:
    """Zip64 extra fields in one header, with right or wrong sizes."""
    item = _any(dice, which)
    item.zip64 = dice.choice(["local", "central", "local central"])
    if dice.random() < 0.5:
        field = extra(1, bytes(dice.choice([0, 4, 8, 12, 16, 20, 24, 28])))
        setattr(item, dice.choice(["local_extra", "central_extra"]), field)


def extras(dice: random.Random, which: Plan) -> None:
    """Extra fields, complete or cut, in one header or both."""
    item, field = _any(dice, which), dice.choice(EXTRAS)
    for name in dice.choice([["local_extra"], ["central_extra"], ["local_extra", "central_extra"]]):
        setattr(item, name, getattr(item, name) + field)


def second_name(dice: random.Random, which: Plan) -> None:
    """A Unicode path extra field with a name of its own."""
    item = _any(dice, which)
    field = unicode_path(dice.choice([item.name, b"x"]), dice.choice([*NAMES, item.name]))
    for name in dice.choice([["local_extra"], ["central_extra"], ["local_extra", "central_extra"]]):
        setattr(item, name, getattr(item, name) + field)


def name(dice: random.Random, which: Plan) -> None:
    """Another name for one entry, in both headers or one."""
    item, text = _any(dice, which), dice.choice(NAMES)
    if dice.random() < 0.6:
        item.name = text
        item.flags = dice.choice([item.flags, 0, UTF8])
        if text.endswith(b"/"):
            item.content = dice.choice([b"", item.content])
    else:
        dice.choice([item.local, item.central])["name"] = text


def link(dice: random.Random, which: Plan) -> None:
    """A link, to all kinds of targets."""
    if dice.random() < 0.5:
        # A target in the zip with the same suffix: such a link is accepted.
        target = dice.choice(which.items).name
        name = dice.choice([b"l", b"src/l", b"d/l"]) + target.rpartition(b"/")[2][-3:]
        up = b"../" * name.count(b"/")
        host = dice.choice([0, 3, 19])
        which.items.append(
            Item(name=name, content=up + target, mode=stat.S_IFLNK | 0o777, host=host)
        )
        return
    targets = [*TARGETS, *(item.name for item in which.items)]
    for number in range(dice.randint(1, 3)):
        which.items.append(
            Item(
                name=dice.choice([b"evil.py", b"link", b"src/l.py", b"l.txt", b"d", b"d/e"])
                if number
                else dice.choice([b"evil.py", b"link.py", b"src", b"z/evil.py"]),
                content=dice.choice(targets),
                mode=stat.S_IFLNK | 0o777,
                host=dice.choice([3, 3, 3, 0, 19]),
                method=dice.choice([STORED, DEFLATED]),
            )
        )


def mode(dice: random.Random, which: Plan) -> None:
    """Another mode, another system, other attributes of DOS."""
    item = _any(dice, which)
    item.mode, item.host = dice.choice(MODES), dice.choice(HOSTS)
    low = dice.choice([0, 0x10, 0x20, 0x400, 0x8000, 0x8400])
    item.central["attributes"] = item.mode << 16 | low


def content(dice: random.Random, which: Plan) -> None:
    """Content that looks like parts of a zip."""
    item = _any(dice, which)
    inner = made(
        Item(name=b"evil.py", content=b"evil = 1\n", descriptor=dice.choice(["", "signed"]))
    )
    item.content = dice.choice([b"", b"x"]) + inner + dice.choice([b"", b"x", inner])
    item.method = dice.choice([STORED, STORED, DEFLATED])
    if dice.random() < 0.3:
        # Looks like the end of this entry.
        described = zip_maker.packed(
            zip_maker.DESCRIPTORS["signed"],
            {"signature": b"PK\7\x08", "crc": 0xE8B7BE43, "packed": 1, "size": 1},
        )
        item.content, item.descriptor = b"a" + described + inner, "signed"


def data(dice: random.Random, which: Plan) -> None:
    """Packed data with trailing bytes, as two streams, or cut."""
    item = _any(dice, which)
    item.method = dice.choice([STORED, DEFLATED, BZIP2, LZMA])
    right = compressed(item.content, item.method)
    item.data = dice.choice(
        [right + b"\0", right + right, right[:-1], b"\0" + right, right + b"PK\3\4"]
    )
    if dice.random() < 0.3:
        item.data += made(Item(name=b"evil.py", content=b"evil = 1\n"))


def parts(dice: random.Random, which: Plan) -> None:
    """Entries reordered, repeated, unlisted, missing, or with bytes between them."""
    items = which.items
    how = dice.randrange(7)
    if how == 0:
        dice.shuffle(items)
    elif how == 1:
        items.append(dice.choice(items))
    elif how == 2:
        _any(dice, which).is_listed = False
    elif how == 3:
        _any(dice, which).is_there = False
    elif how == 4:
        _any(dice, which).gap = dice.choice([b"\0", b"gap", bytes(30), made(Item(name=b"evil.py"))])
    elif how == 5:
        which.options["before_directory"] = made(Item(name=b"evil.py"))[:50]
    else:
        which.options["before_end"] = dice.choice([b"\0", b"PK\5\5\0\0", bytes(20)])


def around(dice: random.Random, which: Plan) -> None:
    """Bytes before or after the zip; a comment that looks like an end record."""
    other = made(Item(name=b"evil.py", content=b"evil = 1\n"))
    how = dice.choice(["prefix", "suffix", "comment", "comment"])
    which.options[how] = dice.choice([other, other[-22:], b"MZ\x90", b"PK00", b"\0", b"PK\5\6"])


def item_comment(dice: random.Random, which: Plan) -> None:
    """The comment of an entry; that of the last entry precedes the end record directly."""
    fake = made(Item(name=b"evil.py", content=b"evil = 1\n"), is_zip64=True)
    which.items[-1].comment = dice.choice(
        [fake, fake[-22:], fake[-42:-22], fake[-98:-22], b"PK\1\2"]
    )


def flip(dice: random.Random, body: bytes) -> bytes:
    """Flip one to three bits."""
    flipped = bytearray(body)
    for _ in range(dice.randint(1, 3)):
        flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
    return bytes(flipped)


def overwrite(dice: random.Random, body: bytes) -> bytes:
    """Overwrite one to three bytes."""
    changed = bytearray(body)
    for _ in range(dice.randint(1, 3)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def truncate(dice: random.Random, body: bytes) -> bytes:
    """Cut off the end, or the start."""
    at = dice.randrange(len(body))
    return dice.choice([body[:at], body[at:]])


def remove(dice: random.Random, body: bytes) -> bytes:
    """Remove or repeat a part in the middle."""
    at, size = dice.randrange(len(body)), dice.randint(1, 60)
    return dice.choice([body[:at] + body[at + size :], body[: at + size] + body[at:]])


def append(dice: random.Random, body: bytes) -> bytes:
    """Put another zip after or before it."""
    other_plan = plan(dice)
    other = made(*other_plan.items, **other_plan.options)
    return dice.choice([body + other, other + body, body + bytes(dice.randint(1, 30))])


OF_PLAN: tuple[Callable[[random.Random, Plan], None], ...] = (
    local, central, both, near, described, descriptor, end, zip64, extras, second_name, name, name,
    link, link, mode, mode, content, data, parts, around, item_comment,
)  # fmt: skip
OF_BYTES = (flip, flip, overwrite, truncate, remove, append)
