"""The recipients of an email: each address once, and no more than SES takes."""

from collections.abc import Iterable, Sequence

# In To, Cc and Bcc together (https://docs.aws.amazon.com/ses/latest/dg/quotas.html).
MOST = 50


def distinct(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return each address once, in order, as it is written first.

    Upper and lower case do not differ: not in a domain, nor in practice before the "@".
    """
    first: dict[str, str] = {}
    for address in addresses:
        first.setdefault(address.casefold(), address)
    return tuple(first.values())


def most(uploader_domains: Sequence[str]) -> int:
    """Return how many addresses a team may have: one less where an uploader may be added."""
    return MOST - bool(uploader_domains)
