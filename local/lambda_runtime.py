"""Runs a handler in its own process: events on stdin, responses on stdout, logs on stderr."""

import base64
import importlib
import json
import logging
import os
import sys
import time
import traceback
import uuid


class Context:
    """The part of Lambda's context object that a handler may use."""

    def __init__(self, deadline: float) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return int((self._deadline - time.time()) * 1000)


RECORD = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"))


class JsonFormatter(logging.Formatter):
    """Lambda's JSON log format, extra fields included."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            **{key: value for key, value in vars(record).items() if key not in RECORD},
        }
        if record.exc_info:
            entry["stackTrace"] = traceback.format_exception(*record.exc_info)
        return json.dumps(entry, default=str)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a handler prints goes to the log, as on Lambda
    logs = logging.StreamHandler(sys.stderr)
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        logs.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[logs], level=logging.INFO)
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.dont_write_bytecode = True
    module, _, name = sys.argv[1].rpartition(".")
    handler = None
    for line in sys.stdin:
        request = json.loads(base64.b64decode(line))
        try:
            handler = handler or getattr(importlib.import_module(module), name)
            answer = {"result": handler(request["event"], Context(request["deadline"]))}
            text = json.dumps(answer)
        except Exception as error:
            logging.getLogger().exception("%s", error)
            failure = {
                "errorType": type(error).__name__,
                "errorMessage": str(error),
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
            text = json.dumps({"error": failure})
        answers.write(text + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
