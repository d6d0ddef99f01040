"""A first convolution that learns in whitened patches.

Neighbouring pixels of skin hardly differ: nearly all variance of a patch is its mean colour, and the fine structure that tells a
melanoma lies in directions a thousand times weaker, which gradient steps reach slowly. Here the kernels are learned for patches whose
directions all have about the same variance. It costs nothing: `plain` multiplies kernels and whitening out.
"""

import torch
from torch import nn
from torch.nn import functional

NOISE = (2 / 255) ** 2  # variance below which a direction is noise of the camera and of JPEG, not to be amplified


class WhitenedConv(nn.Module):
    """A convolution on the image itself; `fit` must see training images before the first step."""

    whitening: torch.Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, padding: int):
        super().__init__()
        self.stride, self.padding = stride, padding
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self.register_buffer("whitening", torch.eye(inputs * kernel * kernel))

    def fit(self, images: torch.Tensor) -> None:
        """The symmetric inverse root of the covariance of the patches of `images` [n, inputs, height, width]."""
        patches = functional.unfold(images, self.weight.shape[-1], stride=self.stride).transpose(1, 2).flatten(0, 1).double()
        values, vectors = torch.linalg.eigh(torch.cov(patches.T))
        self.whitening.copy_(vectors @ torch.diag((values.clamp(min=0) + NOISE).rsqrt()) @ vectors.T)

    def kernels(self) -> torch.Tensor:
        return (self.weight.flatten(1) @ self.whitening).view_as(self.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.kernels(), None, self.stride, self.padding)

    def plain(self) -> nn.Conv2d:
        outputs, inputs, kernel, _ = self.weight.shape
        conv = nn.Conv2d(inputs, outputs, kernel, self.stride, self.padding, bias=False)
        conv.weight.data.copy_(self.kernels())
        return conv
