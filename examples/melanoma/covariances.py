#!/usr/bin/env python3
"""What second-order statistics of patches tell, without any gradient step: a kernel machine over covariances of whitened patches.

    .venv/bin/python examples/melanoma/covariances.py --work DIR [--ridge 10]

It is no network for encryption but a yardstick and a teacher in a few core-minutes: the 32 strongest whitened directions of 4×4 patches, at
128, 64 and 32 pixels; their means and products averaged over each zone of ZonePool; signed roots, standardised; then ridge
regression with a Gaussian kernel on the training split. Figures are those of the validation split; DIR/covariances/val.npy
gets the scores. Nothing but the ridge was chosen there.

DIR/covariances/soft.npy (float32 [n, 8]: logits of melanoma and of the classes) is what the machine thinks of each training image,
fitted on the folds that hold no image of its lesion: train.py teaches it to networks (`teacher` of a recipe).
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from dataset import load_split
from layers import ZonePool
from metrics import by_source, figures
from networks import AUXILIARY_CLASSES
from recipes import TAUGHT
from train import AUXILIARY, BOOTSTRAP, sampling_weights
from views import SIZE, SOURCE_SIZE
from whitening import NOISE

PATCH = 4
DIRECTIONS = 32
SCALES = (1, 2, 4)
CHUNK = 64
MELANOMA_SHARE = 0.4
FOLDS = 4


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


class KernelMachine:
    """Ridge regression with a Gaussian kernel on all targets at once; melanomas weigh MELANOMA_SHARE together."""

    def __init__(self, train: torch.Tensor, targets: torch.Tensor, ridge: float):
        self.train, self.targets, self.ridge = train, targets, ridge
        within = distances(train, train)
        self.width = within[::50].median()
        self.kernel = torch.exp(-within / self.width)
        positive = targets[:, 0] > 0
        self.weights = torch.where(positive, MELANOMA_SHARE / positive.sum(), (1 - MELANOMA_SHARE) / (~positive).sum())
        self.weights *= len(train)

    def solve(self, rows: torch.Tensor) -> torch.Tensor:
        kernel = self.kernel[rows][:, rows].clone()
        kernel.diagonal().add_(self.ridge / self.weights[rows])
        return torch.cholesky_solve(self.targets[rows], torch.linalg.cholesky(kernel))

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        return torch.exp(-distances(images, self.train) / self.width) @ self.solve(torch.arange(len(self.train)))

    def out_of_fold(self, folds: torch.Tensor) -> torch.Tensor:
        result = torch.empty_like(self.targets)
        for fold in range(FOLDS):
            fitted, other = torch.nonzero(folds != fold)[:, 0], torch.nonzero(folds == fold)[:, 0]
            result[other] = self.kernel[other][:, fitted] @ self.solve(fitted)
        return result


def distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T


def lesion_folds(lesions: list[str]) -> torch.Tensor:
    """Images of one lesion in one fold; an image without a lesion's name is a lesion of its own."""
    names = [lesion or f"image {i}" for i, lesion in enumerate(lesions)]
    distinct = sorted(set(names))
    folds = dict(zip(distinct, np.random.default_rng(0).integers(FOLDS, size=len(distinct)).tolist()))
    return torch.tensor([folds[name] for name in names])


def calibrated(scores: torch.Tensor, melanoma: torch.Tensor, classes: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Logits of melanoma and of the classes, by logistic regression on the standardised scores."""
    inputs = (scores - scores.mean(0)) / scores.std(0)
    logits = nn.Linear(inputs.shape[1], 1 + AUXILIARY_CLASSES)
    nn.init.zeros_(logits.weight)
    optimizer = torch.optim.LBFGS(logits.parameters(), max_iter=200)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        found = logits(inputs)
        each = functional.binary_cross_entropy_with_logits(found[:, 0], melanoma.float(), reduction="none")
        each = each + functional.cross_entropy(found[:, 1:], classes, reduction="none")
        total = (weights * each).sum() + 1e-5 * logits.weight.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    return logits(inputs).detach()


def main() -> None:
    parser = argparse.ArgumentParser(description="A kernel machine over covariances of patches, as a yardstick.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--ridge", type=float, default=10.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, val = load_split(options.work, "train", SOURCE_SIZE), load_split(options.work, "val", SIZE)
    start = time.process_time()
    fitted, other = features(train.images, val.images)
    melanoma, classes = torch.from_numpy(train.melanoma), AUXILIARY[torch.from_numpy(train.classes)]
    targets = torch.cat([2.0 * melanoma[:, None] - 2 * MELANOMA_SHARE, functional.one_hot(classes) - 0.1], 1)
    machine = KernelMachine(fitted, targets, options.ridge)
    scores = machine.scores(other)[:, 0].numpy()
    apart = machine.out_of_fold(lesion_folds(train.lesions))
    soft = calibrated(apart, melanoma, classes, sampling_weights(classes, melanoma, TAUGHT["melanoma_share"]).float())
    folder = options.work / "covariances"
    folder.mkdir(exist_ok=True)
    np.save(folder / "val.npy", scores)
    np.save(folder / "soft.npy", soft.numpy())
    print(f"out of fold: {figures(apart[:, 0].numpy(), train.melanoma, train.classes)}")
    for name, figure in figures(scores, val.melanoma, val.classes, BOOTSTRAP).items():
        print(f"{name}: {figure}")
    print(f"nevus AUC by set: {by_source(scores, val.melanoma, val.classes, val.source)}")
    seconds = time.process_time() - start
    (folder / "seconds.json").write_text(json.dumps(seconds))
    print(f"{seconds / 3600:.3f} core-hours")


if __name__ == "__main__":
    main()
