"""Runs Semgrep (beside this Python), and lists its own fingerprints, which its SARIF has not.

``python semgrep_with_fingerprints.py LIST scan ...`` appends a line of JSON to LIST for each match:
its rule, path, line and fingerprint.
"""

import json
import sys

from semgrep.formatter import base  # pyright: ignore[reportMissingImports]
from semgrep.main import main  # pyright: ignore[reportMissingImports]

path = sys.argv.pop(1)
convert = base._rule_match_to_CliMatch


def listed(match, *arguments, **more):
    with open(path, "a") as file:
        own = [match.rule_id, str(match.path), match.start.line, match.match_based_id]
        file.write(json.dumps(own) + "\n")
    return convert(match, *arguments, **more)


base._rule_match_to_CliMatch = listed
sys.exit(main())
