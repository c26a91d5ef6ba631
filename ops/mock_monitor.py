"""A monitor for Pulumi's mocks that runs transforms, as the engine does and the SDK's does not."""

from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc


class TransformingMonitor(mocks.MockMonitor):
    """Hands the transforms of a resource's options to it and to all that is below it.

    It runs those that need no waiting: what they change is plain values.
    """

    def __init__(self, account: mocks.Mocks) -> None:
        super().__init__(account)
        self._transforms: dict[str, list[Any]] = {}

    def RegisterResource(self, request: Any) -> Any:
        self._transform(request)
        return super().RegisterResource(request)

    def _transform(self, request: Any) -> None:
        urn = self.make_urn(request.parent, request.type, request.name)
        transforms = [
            # The SDK has no public way from what it registered to the function.
            *mocks._resolve_callbacks(request.transforms),  # noqa: SLF001
            *self._transforms.get(request.parent, []),
        ]
        self._transforms[urn] = transforms
        props = rpc.deserialize_properties(request.object)
        for transform in transforms:
            args = pulumi.ResourceTransformArgs(
                request.custom, request.type, request.name, props, pulumi.ResourceOptions()
            )
            if result := transform(args):
                changed = {k: v for k, v in result.props.items() if v is not props.get(k)}
                request.object.update(changed)
                props = result.props
