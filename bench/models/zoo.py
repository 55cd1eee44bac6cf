"""The models of the catalogue, under the names users may write themselves."""

from __future__ import annotations

from bench.models.digits import digits
from bench.models.mobilenet import mobilenet_v2
from bench.models.resnet import resnet18
from bench.models.text_encoder import text_encoder

__all__ = ["digits", "mobilenet_v2", "resnet18", "text_encoder"]
