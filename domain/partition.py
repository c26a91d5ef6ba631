"""The partition of AWS that a gate runs in: its name in ARNs, and the addresses of its console.

The chat service has endpoints in the commercial partition only
(https://docs.aws.amazon.com/general/latest/gr/chatbot.html), so no gate runs in another one.
"""

PARTITION = "aws"


def console(region: str) -> str:
    """The URL at which the paths of the console's pages in ``region`` begin."""
    return f"https://{region}.console.aws.amazon.com"
