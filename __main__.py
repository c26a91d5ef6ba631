"""chatops-slack: one gate for uploads, with the settings of one environment."""

import pulumi

from components.settings import load
from components.upload_gate import UploadGate

stack = pulumi.get_stack()
gate = UploadGate("gate", load(pulumi.Config(), stack))
for name, value in gate.outputs.items():
    pulumi.export(name, value)
