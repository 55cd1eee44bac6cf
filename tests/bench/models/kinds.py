"""Models of kinds that an export once took for others; imported as a user's module."""

import threading
import warnings
from collections import namedtuple
from dataclasses import dataclass

import torch
from torch import nn


class Head(nn.Module):
    """Boxes in pixels and scores below 1 in one tensor."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU())
        self.box, self.score = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 3, 1)

    def forward(self, image):
        found = self.body(image)
        box = self.box(found).flatten(2).sigmoid() * 900
        return torch.cat([box, self.score(found).flatten(2).sigmoid()], 1)


def head():
    return Head(), torch.randn(1, 3, 32, 32)


def in_half(dtype):
    layers = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    return layers.to(dtype), torch.randn(1, 8).to(dtype)


def half():
    return in_half(torch.float16)


def bfloat16():
    return in_half(torch.bfloat16)


def float64():
    return in_half(torch.float64)


class Casting(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4)

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return self.linear(x).float()


def casting():
    return Casting(), torch.randn(1, 8)


class Assigned(nn.Module):
    """A state that a call puts in place of the last."""

    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.GRUCell(8, 16), nn.Linear(16, 4)
        self.register_buffer("h", torch.zeros(1, 16))

    def forward(self, x):
        self.h = self.cell(x, self.h)
        return self.out(self.h)


def assigned():
    return Assigned(), torch.randn(1, 8)


class Cached(nn.Module):
    """A state that a call writes into a buffer."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.register_buffer("cache", torch.zeros(1, 8))

    def forward(self, x):
        self.cache.mul_(0.5).add_(self.linear(x))
        return self.cache * 2


def cached():
    return Cached(), torch.randn(1, 8)


class Remembering(nn.Module):
    """A state in an attribute, which is there after the first call only."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.last = None

    def forward(self, x):
        y = self.linear(x)
        if self.last is not None:
            y = y + self.last
        self.last = y
        return y


def remembering():
    return Remembering(), torch.randn(1, 8)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.t, self.c = nn.TransformerEncoder(layer, 2), nn.Linear(32, 5)

    def forward(self, x):
        return self.c(self.t(x)[:, 0])


def encoder():
    return Encoder(), torch.randn(1, 6, 32)


class Grid(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 6, 3, 2, 1)

    def forward(self, x):
        found = self.c(x.float() / 255).permute(0, 2, 3, 1)
        rows = torch.arange(8).reshape(8, 1).expand(8, 8)
        return (found[..., :2].sigmoid() + torch.stack((rows, rows), -1)) * 2


def grid():
    return Grid(), torch.randint(0, 256, (1, 3, 16, 16), dtype=torch.uint8)


class Looping(nn.Module):
    """Control flow that torch.fx cannot follow and a trace can."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        if x.abs().sum() < 0:
            raise ValueError
        return self.last(self.first(x).relu())


def looping():
    return Looping(), torch.randn(2, 8)


def named_padding():
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, padding="same"),
        nn.ReLU(),
        nn.Conv2d(8, 4, 3, padding="same", dilation=2),
        nn.Conv2d(4, 4, 3, padding="valid"),
    ), torch.randn(1, 3, 12, 12)


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag, self.top = nn.EmbeddingBag(100, 16, mode="sum"), nn.Linear(16, 1)

    def forward(self, ids, offsets):
        return self.top(self.bag(ids, offsets))


def bag():
    return Bag(), (torch.arange(20), torch.tensor([0, 5, 9, 14]))


class Power(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 4)

    def forward(self, power):
        return self.linear(torch.log(power + 1e-6))


def power():
    return Power(), torch.rand(1, 16)


@dataclass
class Found:
    logits: torch.Tensor
    count: int


Pair = namedtuple("Pair", ["boxes", "labels"])


class Holder:
    def __init__(self, inside):
        self.inside = inside


class Giving(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.linear, self.kind = nn.Linear(8, 4), kind

    def forward(self, x):
        y = self.linear(x)
        return {
            "dataclass": lambda: Found(y, 3),
            "named": lambda: Pair(y, y.argmax(-1)),
            "mixed": lambda: {"logits": y, "layers": [y, y + 1], "loss": None, "n": 3},
            "object": lambda: Holder([y, "text"]),
        }[self.kind]()


def dataclass_output():
    return Giving("dataclass"), torch.randn(2, 8)


def named_output():
    return Giving("named"), torch.randn(2, 8)


def mixed_output():
    return Giving("mixed"), torch.randn(2, 8)


def object_output():
    return Giving("object"), torch.randn(2, 8)


class Taking(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x, mask=None, both=False, past=()):
        y = self.linear(x)
        for one in past:
            y = y + one
        return (y, x) if both else y


def flags():
    return Taking(), (torch.randn(1, 8), None, True)


def list_of_tensors():
    return Taking(), {"x": torch.randn(1, 8), "past": [torch.ones(1, 8)] * 2}


def spectral():
    norm = nn.utils.parametrizations.spectral_norm
    return nn.Sequential(norm(nn.Linear(8, 8)), nn.ReLU(), nn.Linear(8, 2)), (
        torch.randn(1, 8)
    )


def weight_normed():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return _weight_normed()


def _weight_normed():
    return nn.Sequential(
        nn.utils.weight_norm(nn.Conv1d(4, 8, 3)),
        nn.ReLU(),
        nn.utils.parametrizations.weight_norm(nn.Conv1d(8, 2, 3)),
    ), torch.randn(1, 4, 12)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(10, 20, batch_first=True)

    def forward(self, x):
        return self.gru(x)[0]


def gru():
    return Recurrent(), torch.randn(1, 7, 10)


class OfEachBatch(nn.Module):
    """A batch norm that stays in training mode."""

    def __init__(self):
        super().__init__()
        self.c, self.b, self.l = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 4)

    def train(self, mode=True):
        super().train(mode)
        self.b.train()
        return self

    def forward(self, x):
        return self.l(self.b(self.c(x)).relu().mean((2, 3)))


def of_each_batch():
    return OfEachBatch(), torch.randn(4, 3, 8, 8) * 3 + 5


def without_statistics():
    norm = nn.BatchNorm2d(8, track_running_stats=False)
    return nn.Sequential(nn.Conv2d(3, 8, 3), norm, nn.ReLU(), nn.Conv2d(8, 2, 1)), (
        torch.randn(2, 3, 8, 8)
    )


def projected():
    return nn.LSTM(8, 16, proj_size=4, batch_first=True), torch.randn(1, 5, 8)


def hooked():
    layers = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    layers[2].register_forward_hook(lambda layer, given, found: found * -2)
    return layers, torch.randn(4, 8)


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.linear = nn.GRU(8, 12), nn.Linear(12, 2)

    def forward(self, words):
        return self.linear(self.gru(words)[1][-1])


def packed():
    lengths = torch.tensor([6, 4, 2])
    pack = nn.utils.rnn.pack_padded_sequence
    return Packed(), pack(torch.randn(6, 3, 8), lengths)


class Spectrum(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x):
        return torch.fft.fft(self.linear(x))


def spectrum():
    return Spectrum(), torch.randn(2, 8)


class Sparse(Spectrum):
    def forward(self, x):
        return self.linear(x).to_sparse()


def sparse():
    return Sparse(), torch.randn(2, 8)


class Adapted(nn.Linear):
    """A layer with a low-rank addition, which is two multiplications."""

    def __init__(self):
        super().__init__(8, 8)
        self.down = nn.Parameter(torch.randn(2, 8) / 8)
        self.up = nn.Parameter(torch.randn(8, 2) / 8)

    def forward(self, x):
        return super().forward(x) + x @ self.down.t() @ self.up.t()


def adapted():
    return nn.Sequential(Adapted(), nn.ReLU(), nn.Linear(8, 2)), torch.randn(2, 8)


def volumes():
    return nn.Sequential(
        nn.Conv3d(2, 4, 3), nn.ReLU(), nn.ConvTranspose3d(4, 2, 2)
    ), torch.randn(1, 2, 5, 5, 5)


def lazy():
    return nn.LazyLinear(4), torch.randn(1, 8)


def on_meta():
    return nn.Linear(8, 4, device="meta"), torch.randn(1, 8)


class Pictures(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.c(x.float() / 255)


def pictures():
    return Pictures(), torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8)


class Detecting(nn.Module):
    """Boxes and scores in lists of another length for other pictures."""

    def __init__(self):
        super().__init__()
        self.c, self.box = nn.Conv2d(3, 16, 3, 4, 1), nn.Conv2d(16, 4, 1)

    def forward(self, pictures):
        given = self.box(self.c(pictures[0][None]).relu())[0].flatten(1).t()
        corner = given[:, :2].sigmoid() * 32
        box = torch.cat([corner, corner + given[:, 2:].exp() * 8], 1)
        score = given.sigmoid().mean(1)
        best = score > score.median()
        return [{"boxes": box[best], "scores": score[best], "labels": best.nonzero()}]


def detecting():
    return Detecting(), ([torch.randn(3, 32, 32)],)


def small_powers():
    """Values that float16 rounds to 0, under a logarithm."""
    return Logarithm(), [(torch.rand(1, 16) * 1e-8 + 1e-9,) for _ in range(2)]


class Logarithm(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 4)

    def forward(self, power):
        return self.linear(power.log())


class Masked(nn.Module):
    """Gives no class that the mask forbids."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4)
        self.register_buffer("forbidden", torch.tensor([False, True, False, False]))

    def forward(self, x):
        return self.linear(x).masked_fill(self.forbidden, float("-inf"))


def masked():
    return Masked(), torch.randn(1, 8)


class Exponential(nn.Module):
    def forward(self, x):
        return x.exp()


def beyond_half():
    """One value that float16 has no number for."""
    return Exponential(), [(torch.tensor([[1.0, 2.0, 3.0, 12.0]]),) for _ in range(2)]


class ChannelsLast(nn.Module):
    """A linear layer over the channels of an image, as ConvNeXt has them."""

    def __init__(self):
        super().__init__()
        self.c, self.l = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 4)

    def forward(self, x):
        return self.l(self.c(x).permute(0, 2, 3, 1))


def channels_last():
    return ChannelsLast(), torch.randn(1, 3, 16, 16)


class Shuffled(nn.Module):
    """Groups of channels that are mixed between two convolutions, as in ShuffleNet."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(4, 8, 1, groups=2)
        self.b, self.l = nn.Conv2d(8, 4, 3, padding=1, groups=4), nn.Linear(4, 2)

    def forward(self, x):
        y = self.a(x).relu().reshape(1, 2, 4, 8, 8).transpose(1, 2)
        return self.l(self.b(y.reshape(1, 8, 8, 8)).mean((2, 3)))


def shuffled():
    return Shuffled(), torch.randn(1, 4, 8, 8)


class Answering(nn.Module):
    """Attention to other tokens, some of which are padding."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(16, 4, 32, batch_first=True)
        self.top = nn.Linear(16, 5)

    def forward(self, x, memory, padding):
        y = self.layer(x, memory, memory_key_padding_mask=padding)
        return self.top(y)


def answering():
    padding = torch.tensor([[False, False, False, True]])
    return Answering(), (torch.randn(1, 3, 16), torch.randn(1, 4, 16), padding)


class PaddedByName(nn.Module):
    """Paddings by name in layers and calls that torch.fx cannot reach."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(4, 8, 4, padding="same")
        self.b = nn.Conv1d(8, 4, 3, padding="same", dilation=2)

    def forward(self, x):
        if x.abs().sum() < 0:
            raise ValueError
        y = self.b(self.a(x).relu())
        return nn.functional.conv1d(y, self.a.weight[:4], padding="valid")


def padded_by_name():
    return PaddedByName(), torch.randn(1, 4, 20)


def plain_recurrent():
    return nn.RNN(8, 8, batch_first=True), torch.randn(1, 3, 8)


class Anchored(nn.Module):
    """Boxes in units of strides that are whole numbers."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 4, 3, 4, 1)
        self.register_buffer("strides", torch.tensor([8, 16, 32, 64]))

    def forward(self, x):
        y = self.c(x)
        return y * self.strides.view(1, 4, 1, 1) + torch.arange(y.shape[-1])


def anchored():
    return Anchored(), torch.rand(1, 3, 32, 32)


class FarApart(nn.Module):
    """Columns of which some are far smaller than others."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4)

    def forward(self, x):
        y = self.linear(x)
        return torch.cat([y * 1e4, y.sigmoid() * 1e-9], -1)


def far_apart():
    return FarApart(), torch.randn(1, 8)


class LogOfPower(nn.Module):
    """An offset that float16 rounds to zero."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4)

    def forward(self, x):
        return torch.log10(self.linear(x).relu() * 0 + 1e-9)


def log_of_power():
    return LogOfPower(), torch.randn(1, 8)


@dataclass(slots=True)
class InSlots:
    logits: torch.Tensor
    hidden: list
    loss: torch.Tensor | None = None


class Slotted(Spectrum):
    def forward(self, x):
        y = self.linear(x)
        return InSlots(y, [y.sum(-1)])


def slotted_output():
    return Slotted(), torch.randn(2, 8)


class Locked(Spectrum):
    """A module with something in it that cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def forward(self, x):
        with self.lock:
            return self.linear(x)


def locked():
    return Locked(), torch.randn(2, 8)


class Counting(Spectrum):
    """A number in an attribute, which each call changes."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.linear(x) * self.calls


def counting():
    return Counting(), torch.randn(1, 8)


class Noting(Spectrum):
    """What a call notes of its input, and nothing reads."""

    def __init__(self):
        super().__init__()
        self.rows = None

    def forward(self, x):
        self.rows = x.shape[0]
        return self.linear(x)


def noting():
    return Noting(), torch.randn(2, 8)


class Stored(Spectrum):
    """A buffer in eight bits, which torch cannot compare."""

    def __init__(self):
        super().__init__()
        table = torch.randn(8, 8).to(torch.float8_e4m3fn)
        self.register_buffer("table", table)

    def forward(self, x):
        return nn.functional.linear(self.linear(x), self.table.to(x.dtype))


def stored():
    return Stored(), torch.randn(2, 8)


class SmallBranch(Spectrum):
    """A branch that only a small output shows."""

    def forward(self, x):
        y = self.linear(x)
        small = y.sigmoid() * 0.001
        if x[0, 0] > x[0, 1]:
            small = -small
        return y * 1000, small


def small_branch():
    return SmallBranch(), torch.randn(1, 8)


class Silent(Spectrum):
    """A state that a trace loses, and a with block in what is compiled."""

    def __init__(self):
        super().__init__()
        self.register_buffer("h", torch.zeros(8))

    def forward(self, x):
        with torch.no_grad():
            self.h = self.h + 1
        return self.linear(x) + self.h


def silent():
    return Silent(), torch.randn(1, 8)


class Noisy(Spectrum):
    def forward(self, x):
        return nn.functional.dropout(self.linear(x), 0.5, training=True)


def noisy():
    return Noisy(), torch.randn(2, 8)


class Wide(nn.Module):
    """As many columns as a vocabulary has words, one of them far below the others."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 6000)
        with torch.no_grad():
            self.linear.weight[5000] *= 1e-5
            self.linear.bias[5000] = 0

    def forward(self, x):
        return self.linear(x)


def wide():
    return Wide(), torch.randn(16, 8)


class NearTheEdge(nn.Module):
    """One of many variations of its example is outside of what a logarithm takes."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 2)

    def forward(self, x):
        return self.linear(torch.log(1.35 - x.sum(-1, keepdim=True)))


def near_the_edge():
    return NearTheEdge(), torch.tensor([[0.1, 0.2, 0.3, 0.05, 0.04, 0.31]])


class Weighted(nn.Module):
    """Tokens with a mask of reals, and a temperature."""

    def __init__(self):
        super().__init__()
        self.table, self.linear = nn.Embedding(50, 16), nn.Linear(16, 4)

    def forward(self, ids, mask, temperature):
        y = (self.table(ids) * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return self.linear(y) / temperature.sqrt()


def weighted():
    ids = torch.arange(12).reshape(2, 6)
    return Weighted(), (ids, torch.ones(2, 6), torch.tensor(0.7))


class Causal(Spectrum):
    """A mask of zeros and minus infinity."""

    def forward(self, x, mask):
        y = self.linear(x)
        return (y @ y.transpose(1, 2) + mask).softmax(-1) @ y


def causal():
    mask = torch.full((4, 4), float("-inf")).triu(1)
    return Causal(), (torch.randn(1, 4, 8), mask)


class CalledTwice(Spectrum):
    """A layer whose second call gives the same again, which torch computes once."""

    def forward(self, x, place):
        return self.linear(x)[place], self.linear(x).sum(-1)


def called_twice():
    return CalledTwice(), (torch.randn(3, 8), torch.tensor([0, 2]))


class Decomposing(Spectrum):
    def forward(self, x):
        return self.linear(torch.linalg.cholesky(x))


def decomposing():
    made = torch.randn(8, 8)
    return Decomposing(), made @ made.t() + torch.eye(8)


class Sized(Spectrum):
    def forward(self, x, dtype, shape):
        return self.linear(x).to(dtype).reshape(shape)


def sized():
    return Sized(), (torch.randn(2, 8), torch.float32, torch.Size([16]))


class Differentiating(Spectrum):
    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            (slope,) = torch.autograd.grad(self.linear(x).tanh().sum(), x)
        return slope


def differentiating():
    return Differentiating(), torch.randn(2, 8)


class Begun(Spectrum):
    """A state that does not begin as zeros."""

    def __init__(self):
        super().__init__()
        self.register_buffer("level", torch.full((8,), 5.0))

    def forward(self, x):
        self.level.add_(1)
        return self.linear(x) * self.level


def begun():
    return Begun(), torch.randn(2, 8)


class CausalSum(nn.Module):
    """Attention whose mask is added to the scores."""

    def __init__(self, forbidden):
        super().__init__()
        self.query, self.key = nn.Linear(32, 32), nn.Linear(32, 32)
        self.out = nn.Linear(32, 32)
        self.register_buffer("mask", torch.full((8, 8), forbidden).triu(1))

    def forward(self, x):
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / 32**0.5
        return self.out((scores + self.mask).softmax(-1) @ x)


def causal_inf():
    return CausalSum(float("-inf")), torch.randn(1, 8, 32)


def causal_least():
    return CausalSum(torch.finfo(torch.float32).min), torch.randn(1, 8, 32)


def causal_half():
    return CausalSum(-65504.0), torch.randn(1, 8, 32)


class PaddedSum(CausalSum):
    """Attention with a mask that its caller gives."""

    def __init__(self):
        super().__init__(0.0)

    def forward(self, x, mask):
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / 32**0.5
        return self.out((scores + mask).softmax(-1) @ x)


def padded_later():
    masks = [torch.zeros(1, 1, 8) for _ in range(8)]
    for mask in masks[1:]:
        mask[..., 5:] = float("-inf")
    return PaddedSum(), [(torch.randn(1, 8, 32), mask) for mask in masks]


class Beside(CausalSum):
    """Scores with forbidden ones beside them."""

    def forward(self, x):
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / 32**0.5
        scores = torch.cat((scores, torch.full((1, 8, 4), -1e9)), -1)
        return self.out(scores.softmax(-1)[..., :8] @ x)


def forbidden_beside():
    return Beside(0.0), torch.randn(1, 8, 32)


class WithClass(nn.Module):
    """Words after one that stands for the class."""

    def __init__(self):
        super().__init__()
        self.table, self.top = nn.Embedding(100, 16), nn.Linear(16, 4)
        self.register_buffer("first", torch.tensor([[99]]))

    def forward(self, ids):
        return self.top(self.table(torch.cat((self.first, ids), 1)).mean(1))


def with_class():
    return WithClass(), torch.randint(0, 100, (1, 8))


class Small(nn.Module):
    """A product with a small number."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 4)

    def forward(self, x):
        return self.linear(x) * 1e-4


def small_factor():
    return Small(), torch.randn(2, 16)


class Shifted(nn.Module):
    """Values far from 0 that come back to it."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 4)

    def forward(self, x):
        return self.linear(x + 1000.0 - 1000.0)


def shifted():
    return Shifted(), torch.randn(2, 16)


class LogPower(nn.Module):
    """A spectrum in decibels, of which most is near 0."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(33, 4)

    def forward(self, real, imaginary):
        return self.linear((real**2 + imaginary**2 + 1e-10).log())


def log_spectrum():
    parts = torch.randn(2, 1, 33) * torch.logspace(-2, 1, 33)
    return LogPower(), (parts[0], parts[1])


class WithGrid(nn.Module):
    """A head with a grid and anchors of five dimensions, as in YOLOv5."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 6, 3, padding=1)
        self.register_buffer("anchors", torch.rand(1, 3, 1, 1, 2) * 100)

    def forward(self, image):
        found = self.layer(image).view(1, 3, 2, 8, 8).permute(0, 1, 3, 4, 2)
        return found.sigmoid() * self.anchors


def with_grid():
    return WithGrid(), torch.randn(1, 3, 8, 8)
