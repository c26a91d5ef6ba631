"""The error of a tool whose answer says nothing."""


class Unusable(RuntimeError):
    """A tool gave no answer that can be trusted."""
