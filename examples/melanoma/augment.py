"""Augmentation of a whole batch by tensor operations: one resampling, then colours."""

import math

import torch
from torch.nn import functional


def augment(
    images: torch.Tensor, size: int, strength: float, colour_strength: float, generator: torch.Generator
) -> torch.Tensor:
    """uint8 [n, 3, s, s] → float32 [n, 3, size, size] in 0…1: any rotation, mirror, scale, stretch, shift, colour.

    At s = 2·size a sample is the mean of four pixels, as with the area kernel of the preparation.
    """
    n = len(images)
    uniform = sampler(n, generator)
    angle = uniform(-math.pi, math.pi)
    zoom = torch.exp(uniform(math.log(1 - 0.35 * strength), math.log(1 + 0.15 * strength)))
    stretch = torch.exp(uniform(-0.12, 0.12) * strength)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    shift = uniform(-0.12, 0.12, 2) * strength
    theta = torch.stack(
        [
            torch.stack([cos * stretch * mirror, -sin / stretch, shift[:, 0]], 1),
            torch.stack([sin * stretch * mirror, cos / stretch, shift[:, 1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(theta, [n, 3, size, size], align_corners=False)
    pixels = functional.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)
    return colours(pixels, colour_strength, generator)


def sampler(n: int, generator: torch.Generator):
    """Uniform numbers between bounds, [n, *shape]."""

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.rand(n, *shape, generator=generator) * (high - low) + low

    return uniform


def colours(pixels: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Saturation about the grey value, contrast about the mean, a gain of each channel, as one matrix for each image; then
    0…255 to 0…1, clipped.
    """
    n = len(pixels)
    uniform = sampler(n, generator)
    saturation = 1 + uniform(-0.3, 0.3, 1, 1) * strength
    contrast = 1 + uniform(-0.25, 0.25, 1, 1) * strength
    brightness = 1 + uniform(-0.15, 0.15, 1, 1) * strength
    gain = (1 + uniform(-0.06, 0.06, 3, 1) * strength) * brightness / 255
    matrix = gain * contrast * (saturation * torch.eye(3) + (1 - saturation) / 3)
    # Saturation leaves the mean over the channels as it is.
    offset = gain * (1 - contrast) * pixels.mean((1, 2, 3)).view(n, 1, 1)
    return torch.baddbmm(offset, matrix, pixels.flatten(2)).clamp_(0, 1).view_as(pixels)
