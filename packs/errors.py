"""What can go wrong with packs."""


class PackError(Exception):
    """A pack could not be made, or is missing; the message is a sentence that says what to do."""
