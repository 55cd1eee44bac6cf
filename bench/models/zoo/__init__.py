"""The models of the catalogue, under the names users may write themselves."""

from __future__ import annotations

from pocketbench.bench.models.zoo.digits import digits
from pocketbench.bench.models.zoo.mobilenet import mobilenet_v2
from pocketbench.bench.models.zoo.resnet import resnet18
from pocketbench.bench.models.zoo.text_encoder import text_encoder
from pocketbench.bench.models.zoo.tiny_llama import tiny_llama_15m, tiny_llama_110m

__all__ = [
    "digits",
    "mobilenet_v2",
    "resnet18",
    "text_encoder",
    "tiny_llama_15m",
    "tiny_llama_110m",
]
