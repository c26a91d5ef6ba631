"""Packs: what scanners need, fetched once by ``make setup`` and uploaded by ``pulumi up``.

A pack is a zip for one scanner and one platform. Its folder ``python`` has packages by the hashed
lock beside the scanner's recipe. A build gets the packs with its source, and installs nothing.
"""
