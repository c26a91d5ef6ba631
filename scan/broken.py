"""What ends a scan without a gate."""


class Broken(Exception):
    """The scan says nothing about the code; ``mend`` is what a person can do about that."""

    def __init__(self, code: str, message: str, mend: str) -> None:
        super().__init__(message)
        self.code, self.message, self.mend = code, message, mend
