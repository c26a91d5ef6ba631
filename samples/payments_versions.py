"""Five versions of the sample app payments, each with a change that a team would make."""

from samples import SAMPLES, zipped

REFUND = b'''"""Refunds a charge with the bank's own program."""

import os


def refund(order: str) -> None:
    os.system(f"bank-cli refund --order {order}")
'''
SHELL = b'subprocess.run(f"lp -t {receipt(order)} /var/receipts/{order}", shell=True)'
NO_SHELL = b'subprocess.run(["lp", "-t", receipt(order), f"/var/receipts/{order}"])'


def payments_versions() -> list[bytes]:
    """Zips with, by severity HIGH: findings; the same on other lines; one new and one fixed; none;
    and a known one again.
    """
    charge = (SAMPLES / "payments" / "payments" / "charge.py").read_bytes()
    moved = _changed(charge, {b"def receipt": b"MOST = 1_000\n\n\ndef receipt"})
    sha256 = _changed(moved, {b"hashlib.md5": b"hashlib.sha256"})
    clean = _changed(sha256, {b"verify=False": b"verify=True", SHELL: NO_SHELL})
    again = _changed(clean, {b"verify=True": b"verify=False"})
    refund = {"payments/refund.py": REFUND}
    return [_app(charge), _app(moved), _app(sha256, refund), _app(clean), _app(again)]


def _changed(source: bytes, replacements: dict[bytes, bytes]) -> bytes:
    for before, after in replacements.items():
        if source.count(before) != 1:
            raise ValueError(f"the sample has {before!r} {source.count(before)} times")
        source = source.replace(before, after)
    return source


def _app(charge: bytes, more: dict[str, bytes] | None = None) -> bytes:
    return zipped({"payments/__init__.py": b"", "payments/charge.py": charge, **(more or {})})
