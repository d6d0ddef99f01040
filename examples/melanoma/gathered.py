"""A wide and shallow network: means of squares over zones, from several scales at once, and one hidden layer over all of them.

Means of products of whitened patches (their covariances) tell melanomas about as well as four convolutions do, and a hidden
layer of squares over them is a polynomial kernel. Branches run beside each other and each of their layers is gathered, so that
everything lies within seven levels: two convolutions, the hidden layer, three squares, and the last dot product.
"""

import copy
from collections import OrderedDict

import torch
from torch import nn

from layers import Quadratic, ZonePool, parse_layers
from whitening import WhitenedConv

SIZE = 128


class Branch(nn.Module):
    """Convolutions on the image; `forward` gives the zones' means behind every activation, [n, width]."""

    def __init__(self, text: str):
        super().__init__()
        steps, pools = [], []
        channels, size = 3, SIZE
        for i, layer in enumerate(parse_layers(text)):
            shape = (layer.kernel, layer.stride, layer.padding)
            conv = WhitenedConv(3, layer.channels, *shape) if i == 0 else nn.Conv2d(channels, layer.channels, *shape, bias=False)
            norm = nn.BatchNorm2d(layer.channels)
            steps.append(nn.Sequential(OrderedDict(conv=conv, norm=norm, act=Quadratic(layer.channels))))
            channels, size = layer.channels, size // layer.stride
            pools.append(ZonePool(size))
        self.steps, self.pools = nn.ModuleList(steps), nn.ModuleList(pools)
        self.width = sum(len(pool.means) * step.norm.num_features for step, pool in zip(steps, pools, strict=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gathered = []
        for step, pool in zip(self.steps, self.pools, strict=True):
            x = step(x)
            gathered.append(pool(x).flatten(1))
        return torch.cat(gathered, 1)


class Gathered(nn.Module):
    """Branches, a hidden layer over what they gathered, and two heads: the melanoma logit and the classes' logits."""

    def __init__(self, branches: list[str], hidden: int, dropout: float, classes: int):
        super().__init__()
        self.branches = nn.ModuleList(Branch(text) for text in branches)
        width = sum(branch.width for branch in self.branches)
        # Means over zones hardly vary about their own mean; nothing is learned from them unless they are put to one scale.
        self.scale = nn.BatchNorm1d(width, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Linear(width, hidden, bias=False)
        self.norm = nn.BatchNorm1d(hidden)
        self.act = Quadratic(hidden)
        self.dense = nn.Linear(hidden, 1)
        self.classes = nn.Linear(hidden, classes)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gathered = torch.cat([branch(x) for branch in self.branches], 1)
        mixed = self.norm(self.mix(self.dropout(self.scale(gathered))))
        hidden = self.act(mixed[:, :, None, None]).flatten(1)
        return self.dense(hidden)[:, 0], self.classes(hidden)

    def plain(self) -> "PlainGathered":
        return PlainGathered(self)


class PlainGathered(nn.Module):
    """The same network with normalisations about the hidden layer multiplied into it."""

    def __init__(self, network: Gathered):
        super().__init__()
        self.branches, self.dense = copy.deepcopy(network.branches), network.dense
        for branch in self.branches:
            branch.steps[0].conv = branch.steps[0].conv.plain()
        scale, norm = network.scale, network.norm
        gain = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
        weights = network.mix.weight.detach() * (scale.running_var + scale.eps).rsqrt()
        self.mix = nn.Linear(*reversed(weights.shape))
        self.mix.weight.data.copy_(gain[:, None] * weights)
        self.mix.bias.data.copy_(norm.bias.detach() - gain * (norm.running_mean + weights @ scale.running_mean))
        self.act = Quadratic(len(weights))
        for name in ("a", "b"):
            setattr(self.act, name, nn.Parameter(getattr(network.act, name).detach().flatten(1)))
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gathered = torch.cat([branch(x) for branch in self.branches], 1)
        return self.dense(self.act(self.mix(gathered)))
