"""The models of the catalogue, under the names users may write themselves."""

from __future__ import annotations

from pocketbench.bench.models.zoo.digits import digits
from pocketbench.bench.models.zoo.mobilenet import mobilenet_v2
from pocketbench.bench.models.zoo.resnet import resnet18
from pocketbench.bench.models.zoo.text_encoder import text_encoder

__all__ = ["digits", "mobilenet_v2", "resnet18", "text_encoder"]
