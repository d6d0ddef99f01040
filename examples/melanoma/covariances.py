#!/usr/bin/env python3
"""What second-order statistics of patches tell, without any gradient step: a kernel machine over covariances of whitened patches.

    .venv/bin/python examples/melanoma/covariances.py --work DIR [--ridge 10]

It is no network for encryption but a yardstick in a few core-minutes: the 32 strongest whitened directions of 4×4 patches, at
128, 64 and 32 pixels; their means and products averaged over each zone of ZonePool; signed roots, standardised; then ridge
regression with a Gaussian kernel on the training split. Figures are those of the validation split; DIR/covariances/val.npy
gets the scores. Nothing but the ridge was chosen there.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from dataset import load_split
from layers import ZonePool
from metrics import by_source, figures
from train import BOOTSTRAP
from views import SIZE, SOURCE_SIZE
from whitening import NOISE

PATCH = 4
DIRECTIONS = 32
SCALES = (1, 2, 4)
CHUNK = 64
MELANOMA_SHARE = 0.4


def patches(images: np.ndarray, scale: int) -> torch.Tensor:
    """uint8 [n, 3, size, size] → [n, positions, 48]; below full size they overlap by half."""
    pixels = torch.from_numpy(np.array(images)).float() / 255
    pixels = functional.avg_pool2d(pixels, pixels.shape[-1] * scale // SIZE)
    return functional.unfold(pixels, PATCH, stride=PATCH if scale == 1 else PATCH // 2).transpose(1, 2)


class Covariances:
    """Statistics of patches at one scale, whitened on training images."""

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


def features(train: np.ndarray, val: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    scales = [Covariances(train[::20], scale) for scale in SCALES]
    both = [torch.cat([s.statistics(images) for s in scales], 1) for images in (train, val)]
    both = [values.sign() * values.abs().sqrt() for values in both]
    mean, deviation = both[0].mean(0), both[0].std(0) + 1e-6
    # A few specks of glare would otherwise be most of a distance.
    fitted, other = (((values - mean) / deviation).clamp(-5, 5) for values in both)
    return fitted, other


def kernel_scores(train: torch.Tensor, val: torch.Tensor, melanoma: torch.Tensor, ridge: float) -> np.ndarray:
    def distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T

    within = distances(train, train)
    width = within[::50].median()
    positive = melanoma == 1
    weights = torch.where(positive, MELANOMA_SHARE / positive.sum(), (1 - MELANOMA_SHARE) / (~positive).sum()) * len(train)
    kernel = torch.exp(-within / width)
    kernel.diagonal().add_(ridge / weights)
    target = positive.float() * 2 - 2 * MELANOMA_SHARE
    solved = torch.cholesky_solve(target[:, None], torch.linalg.cholesky(kernel))[:, 0]
    return (torch.exp(-distances(val, train) / width) @ solved).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description="A kernel machine over covariances of patches, as a yardstick.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--ridge", type=float, default=10.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, val = load_split(options.work, "train", SOURCE_SIZE), load_split(options.work, "val", SIZE)
    start = time.process_time()
    fitted, other = features(train.images, val.images)
    scores = kernel_scores(fitted, other, torch.from_numpy(train.melanoma), options.ridge)
    folder = options.work / "covariances"
    folder.mkdir(exist_ok=True)
    np.save(folder / "val.npy", scores)
    for name, figure in figures(scores, val.melanoma, val.classes, BOOTSTRAP).items():
        print(f"{name}: {figure}")
    print(f"nevus AUC by set: {by_source(scores, val.melanoma, val.classes, val.source)}")
    print(f"{(time.process_time() - start) / 3600:.3f} core-hours")


if __name__ == "__main__":
    main()
