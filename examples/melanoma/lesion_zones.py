"""Zones that follow the lesion: what is darker than its surroundings, a band around it, and the rest.

Otsu's threshold of each image's grey values at 32 × 32 positions tells dark from light; corners, which lenses often leave black,
count as skin. Where a lesion is small or off the middle, means over such zones tell more than means over fixed ones.
"""

import numpy as np
import torch
from torch.nn import functional

GRID = 32
CHUNK = 256
LEVELS = 17
CORNER = 0.2  # how much a position outside the circle around the image counts


def otsu_thresholds(grey: torch.Tensor) -> torch.Tensor:
    """Of rows [n, values]: the level, [n, 1], that splits a row into parts whose means lie furthest apart for their sizes."""
    low, high = grey.amin(1, keepdim=True), grey.amax(1, keepdim=True)
    levels = low + (high - low) * torch.linspace(0.1, 0.9, LEVELS)
    spreads = []
    for level in levels.split(1, 1):
        dark = (grey < level).float()
        share = dark.mean(1)
        inside = (grey * dark).sum(1) / dark.sum(1).clamp(min=1)
        outside = (grey * (1 - dark)).sum(1) / (1 - dark).sum(1).clamp(min=1)
        spreads.append(share * (1 - share) * (inside - outside).square())
    return levels.gather(1, torch.stack(spreads, 1).argmax(1, keepdim=True))


def zones_of(images: np.ndarray) -> torch.Tensor:
    """uint8 [n, 3, size, size] → how much each position belongs to the lesion, its rim and the skin, [n, 3, GRID, GRID]."""
    across = torch.arange(GRID) - (GRID - 1) / 2
    distance = (across[:, None].square() + across.square()).sqrt() / (GRID / 2)
    inside = distance < 1
    parts = []
    for at in range(0, len(images), CHUNK):
        pixels = torch.from_numpy(np.array(images[at : at + CHUNK])).float() / 255
        grey = functional.avg_pool2d(pixels, pixels.shape[-1] // GRID).mean(1)
        dark = (grey < otsu_thresholds(grey[:, inside])[:, :, None]) & inside
        # Hairs and specks go.
        lesion = (functional.avg_pool2d(dark.float()[:, None], 3, 1, 1) > 0.5).float()
        core = 1 - functional.max_pool2d(1 - lesion, 3, 1, 1)
        wide = functional.max_pool2d(lesion, 5, 1, 2)
        parts.append(torch.cat([core, wide - core, 1 - wide], 1) * torch.where(distance < 1.25, 1.0, CORNER))
    return torch.cat(parts)


def zone_means(zones: torch.Tensor, side: int) -> torch.Tensor:
    """Weights of side × side positions, [n, 3, side²], that sum to 1 in each zone; an empty zone gets the mean over all."""
    weights = functional.interpolate(zones, size=(side, side), mode="area").flatten(2) + 1e-4
    return weights / weights.sum(2, keepdim=True)
