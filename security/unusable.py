"""The error of a tool whose result is unusable."""


class Unusable(RuntimeError):
    """A tool gave no answer that can be trusted."""
