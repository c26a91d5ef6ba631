"""A monitor for Pulumi's mocks that runs transforms, which the SDK's mock monitor does not."""

from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc


class TransformingMonitor(mocks.MockMonitor):
    """Applies the transforms in a resource's options to it and to all its descendants.

    Only synchronous transforms that change plain values are supported.
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
            # The SDK has no public function to get registered transforms.
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
