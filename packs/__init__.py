"""Packs: what scanners need, fetched once by ``make setup`` and uploaded by ``pulumi up``.

A pack is a zip for one scanner and one platform, made by the locks beside the scanner's recipe; see
``packs.store.Pack``. A build gets the packs with its source, and installs nothing.
"""
