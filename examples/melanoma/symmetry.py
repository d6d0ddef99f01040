"""Convolutions whose answer turns with the image: kernels shared over the rotations (4) or rotations and mirrorings (8).

A skin lesion has no up and no left. Channels come in fields of `order` channels, one for each symmetry, with one free kernel
for the field; turning the image permutes the channels of a field, and the average over positions and fields does not change at all.
It costs nothing under encryption: `plain` writes the shared kernels out as an ordinary convolution.

Source  Cohen and Welling, Group equivariant convolutional networks, ICML 2016
"""

import torch
from torch import nn

ORDERS = (1, 4, 8)


def transform(kernels: torch.Tensor, symmetry: int) -> torch.Tensor:
    """Symmetry 0…3 turns by as many quarters; 4…7 mirrors before that."""
    mirrored = kernels.flip(-1) if symmetry >= 4 else kernels
    return mirrored.rot90(symmetry % 4, (-2, -1))


def quotient(g: int, h: int) -> int:
    """The symmetry x with transform(transform(·, x), g) = transform(·, h)."""
    probe = torch.arange(9.0).view(3, 3)
    wanted = transform(probe, h)
    return next(x for x in range(8) if torch.equal(transform(transform(probe, x), g), wanted))


class FieldConv(nn.Module):
    """Channels to channels where both come in fields of `order`; the image's own channels are not in fields (`first`)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, padding: int, order: int, first: bool):
        super().__init__()
        if outputs % order or (not first and inputs % order):
            raise ValueError(f"{inputs} → {outputs} channels are not fields of {order}")
        if (kernel - stride) % 2 or 2 * padding != kernel - stride:
            raise ValueError(f"kernel {kernel} with stride {stride} does not lie symmetrically on an even size")
        self.stride, self.padding, self.order = stride, padding, order
        fields = inputs if first else inputs // order
        self.weight = nn.Parameter(torch.empty(outputs // order, fields * (1 if first else order), kernel, kernel))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self.permutations = [[0] if first else [quotient(g, h) for h in range(order)] for g in range(order)]

    def kernels(self) -> torch.Tensor:
        weight = self.weight.unflatten(1, (-1, len(self.permutations[0])))
        each = [transform(weight[:, :, order], g) for g, order in enumerate(self.permutations)]
        return torch.stack(each, 1).flatten(0, 1).flatten(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(x, self.kernels(), None, self.stride, self.padding)

    def plain(self) -> nn.Conv2d:
        kernels = self.kernels().detach()
        conv = nn.Conv2d(kernels.shape[1], kernels.shape[0], kernels.shape[2], self.stride, self.padding, bias=False)
        conv.weight.data.copy_(kernels)
        return conv


class FieldNorm(nn.BatchNorm2d):
    """Batch normalisation with one mean and deviation for each field."""

    def __init__(self, channels: int, order: int):
        super().__init__(channels // order)
        self.order = order

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, channels, height, width = x.shape
        fields = x.reshape(n, channels // self.order, self.order * height, width)
        return super().forward(fields).view(n, channels, height, width)

    def plain(self) -> nn.BatchNorm2d:
        norm = nn.BatchNorm2d(self.num_features * self.order)
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(norm, name).data.copy_(getattr(self, name).repeat_interleave(self.order))
        return norm


class FieldMean(nn.Module):
    """The mean over the channels of a field."""

    def __init__(self, order: int):
        super().__init__()
        self.order = order

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(1, (-1, self.order)).mean(2)
