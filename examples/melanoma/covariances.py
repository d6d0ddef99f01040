"""Features of kernel_machine.py: means and products of whitened patches over zones, at three scales."""

import numpy as np
import torch
from torch.nn import functional

from layers import ZonePool
from views import SIZE
from whitening import NOISE

PATCH = 4
DIRECTIONS = 32
SCALES = (1, 2, 4)
CHUNK = 64


def patches(images: np.ndarray, scale: int) -> torch.Tensor:
    """uint8 [n, 3, size, size] → [n, positions, 48]; below full size they overlap by half."""
    pixels = torch.from_numpy(np.array(images)).float() / 255
    pixels = functional.avg_pool2d(pixels, pixels.shape[-1] * scale // SIZE)
    return functional.unfold(pixels, PATCH, stride=PATCH if scale == 1 else PATCH // 2).transpose(1, 2)


class Covariances:
    """Statistics at one scale, whitened on training images."""

    def __init__(self, images: np.ndarray, scale: int):
        self.scale = scale
        sample = patches(images, scale)
        flat = sample.flatten(0, 1)
        self.mean = flat.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(flat.T))
        self.directions = (vectors * (values.clamp(min=0) + NOISE).rsqrt()).flip(1)[:, :DIRECTIONS]
        self.zones = ZonePool(round(sample.shape[1] ** 0.5)).means
        self.pairs = torch.triu_indices(DIRECTIONS, DIRECTIONS)

    def statistics(self, images: np.ndarray) -> torch.Tensor:
        parts = []
        for at in range(0, len(images), CHUNK):
            z = (patches(images[at : at + CHUNK], self.scale) - self.mean) @ self.directions
            for_zones = []
            for zone in self.zones:
                weighted = z * zone[None, :, None]
                products = weighted.transpose(1, 2) @ z
                for_zones += [products[:, self.pairs[0], self.pairs[1]], weighted.sum(1)]
            parts.append(torch.cat(for_zones, 1))
        return torch.cat(parts)


def covariances(train: np.ndarray, val: np.ndarray) -> list[tuple[torch.Tensor, torch.Tensor]]:
    scales = [Covariances(train[::20], scale) for scale in SCALES]
    train_values, val_values = (torch.cat([s.statistics(images) for s in scales], 1) for images in (train, val))
    return [(train_values, val_values)]
