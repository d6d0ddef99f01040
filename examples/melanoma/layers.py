"""What the networks are made of: activations, convolutions written as text, pools over parts of a map."""

from dataclasses import dataclass

import torch
from torch import nn


class Quadratic(nn.Module):
    """a·x² + b·x with coefficients of each channel's own, as Mul and Add nodes."""

    def __init__(self, channels: int):
        super().__init__()
        self.a = nn.Parameter(torch.full((1, channels, 1, 1), 0.2))
        self.b = nn.Parameter(torch.full((1, channels, 1, 1), 0.7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * (x * self.a + self.b)


ACTIVATIONS = (Quadratic,)


@dataclass(frozen=True)
class Layer:
    """A convolution followed by batch normalisation and an activation."""

    channels: int
    kernel: int
    stride: int

    @property
    def padding(self) -> int:
        # As little as keeps size / stride positions.
        return max(0, (self.kernel - self.stride + 1) // 2)


def parse_layers(text: str) -> list[Layer]:
    """`16k4s4 32k3s2`: channels, kernel, stride of each layer."""
    layers = []
    for part in text.split():
        channels, rest = part.split("k")
        kernel, stride = rest.split("s")
        layers.append(Layer(int(channels), int(kernel), int(stride)))
    return layers


class RingPool(nn.Module):
    """The means over the positions that rotations and mirrorings of a square map carry into each other.

    The dense layer behind it can weigh the middle of an image and its border differently; written out, pool and dense layer are
    one dense layer over all positions.
    """

    means: torch.Tensor

    def __init__(self, size: int):
        super().__init__()
        across = [min(i, size - 1 - i) for i in range(size)]
        rings = sorted({(min(a, b), max(a, b)) for a in across for b in across})
        member = torch.tensor([[(min(a, b), max(a, b)) == ring for a in across for b in across] for ring in rings])
        self.register_buffer("means", member / member.sum(1, keepdim=True), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2) @ self.means.T


class ZonePool(nn.Module):
    """The means over the middle of a map, the ring around it, and its corners: what a lesion, its rim and the skin are like."""

    means: torch.Tensor

    def __init__(self, size: int, bounds: tuple[float, ...] = (0.45, 0.85)):
        super().__init__()
        across = (torch.arange(size) - (size - 1) / 2) / (size / 2)
        distance = (across[:, None].square() + across.square()).sqrt().flatten()
        edges = (-1.0, *bounds, 2.0)
        member = torch.stack([(distance > low) & (distance <= high) for low, high in zip(edges, edges[1:])])
        self.register_buffer("means", member / member.sum(1, keepdim=True), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2) @ self.means.T
