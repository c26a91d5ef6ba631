"""A provider that replaces AWS and accepts every input.

It speaks the plugin protocol of the Pulumi engine: prints its port, then serves requests. It
names unnamed resources as the engine's autonaming proposes, and echoes inputs as outputs. What
Cloud Control creates is in ``chat_service.py``. Each operation is a line of ``operations.jsonl``.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto import provider_pb2 as protocol
from pulumi.runtime.proto import provider_pb2_grpc as service

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.engine.chat_service import ChatService, Refused, needs_replacement, patch

ACCOUNT, REGION = "123456789012", "eu-central-1"
KNOWN = {
    "aws:index/getRegion:getRegion": {"id": REGION, "region": REGION},
    "aws:index/getCallerIdentity:getCallerIdentity": {"id": ACCOUNT, "accountId": ACCOUNT},
    "aws:index/getPartition:getPartition": {"id": "aws", "partition": "aws"},
}
# The types that the AWS provider names if the program does not, and the input with the name.
NAMED = {
    "aws:s3/bucket:Bucket": "bucket",
    **dict.fromkeys(
        [
            "aws:cloudwatch/eventRule:EventRule",
            "aws:cloudwatch/logGroup:LogGroup",
            "aws:cloudwatch/logMetricFilter:LogMetricFilter",
            "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            "aws:codebuild/project:Project",
            "aws:iam/policy:Policy",
            "aws:iam/role:Role",
            "aws:iam/rolePolicy:RolePolicy",
            "aws:lambda/function:Function",
            "aws:secretsmanager/secret:Secret",
            "aws:sfn/stateMachine:StateMachine",
            "aws:sns/topic:Topic",
            "aws:sqs/queue:Queue",
        ],
        "name",
    ),
}


CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"


OPERATIONS = Path(os.environ.get("PULUMI_HOME", "")) / "operations.jsonl"
_writing = threading.Lock()


class EchoingProvider(service.ResourceProviderServicer):
    def __init__(self, chat: ChatService) -> None:
        self._chat = chat

    def GetPluginInfo(self, request: Empty, context: Any) -> plugin.PluginInfo:
        return plugin.PluginInfo(version="7.0.0")

    def CheckConfig(self, request: Any, context: Any) -> protocol.CheckResponse:
        return protocol.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> protocol.DiffResponse:
        return protocol.DiffResponse(changes=protocol.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> protocol.ConfigureResponse:
        return protocol.ConfigureResponse(
            acceptSecrets=True,
            supportsPreview=True,
            acceptResources=True,
            supports_autonaming_configuration=True,
        )

    def Invoke(self, request: Any, context: Any) -> protocol.InvokeResponse:
        if request.tok not in KNOWN:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the test provider lacks {request.tok}")
        answer = protocol.InvokeResponse()
        getattr(answer, "return").update(KNOWN[request.tok])
        return answer

    def Check(self, request: protocol.CheckRequest, context: Any) -> protocol.CheckResponse:
        inputs = _copy(request.news)
        key = NAMED.get(request.type)
        if key and key not in inputs.fields and "namePrefix" not in inputs.fields:
            # An existing resource keeps its name.
            old = request.olds.fields[key].string_value if key in request.olds.fields else ""
            # Without a pattern the AWS provider adds seven digits to the logical name.
            usual = f"{request.name}-{request.randomSeed.hex()[:7]}"
            inputs.fields[key].string_value = old or request.autonaming.proposed_name or usual
        return protocol.CheckResponse(inputs=inputs)

    def Diff(self, request: protocol.DiffRequest, context: Any) -> protocol.DiffResponse:
        old, new = MessageToDict(request.old_inputs), MessageToDict(request.news)
        changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        replaced = []
        if request.type == CLOUD_CONTROL and "desiredState" in changed:
            # A preview may not know the new state; the AWS provider then plans an update.
            states = [_json(values["desiredState"]) for values in (old, new)]
            if None not in states and needs_replacement(new["typeName"], patch(*states)):
                replaced = ["desiredState"]
        answer = protocol.DiffResponse
        return answer(
            changes=answer.DIFF_SOME if changed else answer.DIFF_NONE,
            diffs=changed,
            replaces=replaced,
        )

    def Read(self, request: protocol.ReadRequest, context: Any) -> protocol.ReadResponse:
        if request.type == CLOUD_CONTROL and request.id not in self._chat.resources:
            return protocol.ReadResponse()
        _note("read", request.type, request.id, request.inputs)
        # The AWS provider does not compare ``desired_state`` with what the service has.
        return protocol.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Create(self, request: protocol.CreateRequest, context: Any) -> protocol.CreateResponse:
        if request.preview:  # AWS's own outputs are unknown before creation
            return protocol.CreateResponse(properties=request.properties)
        name, outputs = _made(request.type, request.name, request.properties)
        if request.type == CLOUD_CONTROL:
            inputs = MessageToDict(request.properties)
            with _errors(context):
                name = self._chat.create(inputs["typeName"], json.loads(inputs["desiredState"]))
        _note("create", request.type, name, request.properties)
        return protocol.CreateResponse(id=name, properties=outputs)

    def Update(self, request: protocol.UpdateRequest, context: Any) -> protocol.UpdateResponse:
        if request.type == CLOUD_CONTROL and not request.preview:
            states = [
                json.loads(MessageToDict(inputs)["desiredState"])
                for inputs in (request.olds, request.news)
            ]
            if operations := patch(*states):
                with _errors(context):
                    self._chat.update(request.id, operations)
        if not request.preview:
            _note("update", request.type, request.id, request.news)
        return protocol.UpdateResponse(
            properties=_made(request.type, request.name, request.news)[1]
        )

    def Delete(self, request: protocol.DeleteRequest, context: Any) -> Empty:
        if request.type == CLOUD_CONTROL:
            with _errors(context):
                self._chat.delete(request.id)
        _note("delete", request.type, request.id, request.old_inputs)
        return Empty()

    def Cancel(self, request: Empty, context: Any) -> Empty:
        return Empty()


def _made(kind: str, logical_name: str, inputs: Struct) -> tuple[str, Struct]:
    """The id and the outputs of a resource: its inputs, and what AWS would add."""
    outputs = _copy(inputs)
    key = NAMED.get(kind, "name")
    name = inputs.fields[key].string_value if key in inputs.fields else logical_name
    if key not in inputs.fields and "namePrefix" in inputs.fields:
        name = f"{inputs.fields['namePrefix'].string_value}0123456"
    for output, value in {
        "arn": f"arn:aws:{kind.split(':')[1].split('/', maxsplit=1)[0]}:{REGION}:{ACCOUNT}:{name}",
        "name": name,
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
        "versionId": "1",
    }.items():
        if output not in outputs.fields:
            outputs.fields[output].string_value = value
    return name, outputs


@contextmanager
def _errors(context: Any) -> Iterator[None]:
    try:
        yield
    except (Refused, LookupError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _note(operation: str, kind: str, name: str, inputs: Struct) -> None:
    line = json.dumps(
        {"operation": operation, "kind": kind, "name": name, "inputs": MessageToDict(inputs)}
    )
    with _writing, OPERATIONS.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _copy(values: Struct) -> Struct:
    copy = Struct()
    copy.CopyFrom(values)
    return copy


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(16))
    chat = ChatService(Path(os.environ["PULUMI_HOME"]) / "chat-service.json")
    service.add_ResourceProviderServicer_to_server(EchoingProvider(chat), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()
