#!/usr/bin/env python3
"""What statistics of patches tell without any gradient step: a kernel machine, a yardstick and a teacher in a few core-minutes.

    .venv/bin/python examples/melanoma/kernel_machine.py --work DIR --features covariances|dictionary|turned|lesion --ridge 0.5

It is no network for encryption: means over zones of the image (covariances.py, dictionary.py), their signed roots,
standardised; then ridge regression with a Gaussian kernel on the training split. Figures are those of the validation split;
DIR/FEATURES-RIDGE/val.npy gets the scores. With dictionaries, features and ridge were chosen by folds of the training split.

DIR/FEATURES-RIDGE/soft.npy (float32 [n, 8]: logits of melanoma and of the classes) is what the machine thinks of each training image,
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

from covariances import covariances
from dataset import load_split
from dictionary import dictionary, lesion_dictionary, turned_dictionary
from metrics import by_source, figures
from networks import AUXILIARY_CLASSES
from recipes import TAUGHT
from train import AUXILIARY, BOOTSTRAP, sampling_weights
from views import SIZE, SOURCE_SIZE, load_views

MELANOMA_SHARE = 0.4
FOLDS = 4
# How evenly the networks that learn from them draw benign classes, which the logits are calibrated for.
FEATURES = {
    "covariances": (covariances, 0.5),
    "dictionary": (dictionary, 0.0),
    "turned": (turned_dictionary, 0.0),
    "lesion": (lesion_dictionary, 0.0),
}


def block_distances(train: torch.Tensor, val: torch.Tensor) -> torch.Tensor:
    """Distances squared of all images from the training images, [n + others, n], their median within the training images 1."""
    train, val = (values.sign() * values.abs().sqrt() for values in (train, val))
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    # A few specks of glare would otherwise be most of a distance.
    train, val = (((values - mean) / deviation).clamp(-5, 5) for values in (train, val))
    every = torch.cat([train, val])
    squares = every.square().sum(1)[:, None] + train.square().sum(1) - 2 * every @ train.T
    return squares.clamp_(min=0).div_(squares[: len(train)][::50].median())


class KernelMachine:
    """Ridge regression with a Gaussian kernel on all targets at once; melanomas weigh MELANOMA_SHARE together."""

    def __init__(self, squares: torch.Tensor, targets: torch.Tensor, ridge: float):
        """`squares`: distances squared of any images from the training images, those first, [n + others, n]."""
        n = len(targets)
        self.targets, self.ridge = targets, ridge
        kernel = torch.exp(-squares / squares[:n][::50].median())
        self.kernel, self.others = kernel[:n], kernel[n:]
        positive = targets[:, 0] > 0
        self.weights = torch.where(positive, MELANOMA_SHARE / positive.sum(), (1 - MELANOMA_SHARE) / (~positive).sum())
        self.weights *= n

    def solve(self, rows: torch.Tensor) -> torch.Tensor:
        kernel = self.kernel[rows][:, rows].clone()
        kernel.diagonal().add_(self.ridge / self.weights[rows])
        return torch.cholesky_solve(self.targets[rows], torch.linalg.cholesky(kernel))

    def scores(self) -> torch.Tensor:
        """Of the other images."""
        return self.others @ self.solve(torch.arange(len(self.targets)))

    def out_of_fold(self, folds: torch.Tensor) -> torch.Tensor:
        result = torch.empty_like(self.targets)
        for fold in range(FOLDS):
            fitted, other = torch.nonzero(folds != fold)[:, 0], torch.nonzero(folds == fold)[:, 0]
            result[other] = self.kernel[other][:, fitted] @ self.solve(fitted)
        return result


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
    parser = argparse.ArgumentParser(description="A kernel machine over statistics of patches, as yardstick and teacher.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--features", choices=FEATURES, required=True)
    parser.add_argument("--ridge", type=float, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, val = load_split(options.work, "train", SOURCE_SIZE), load_split(options.work, "val", SIZE)
    start = time.process_time()
    features, evenness = FEATURES[options.features]
    squares = sum(block_distances(*block) for block in features(load_views(options.work, 1).images[0], val.images))
    melanoma, classes = torch.from_numpy(train.melanoma), AUXILIARY[torch.from_numpy(train.classes)]
    targets = torch.cat([2.0 * melanoma[:, None] - 2 * MELANOMA_SHARE, functional.one_hot(classes) - 0.1], 1)
    machine = KernelMachine(squares, targets, options.ridge)
    scores = machine.scores()[:, 0].numpy()
    apart = machine.out_of_fold(lesion_folds(train.lesions))
    weights = sampling_weights(classes, melanoma, TAUGHT["melanoma_share"], evenness)
    folder = options.work / f"{options.features}-{options.ridge:g}"
    folder.mkdir(exist_ok=True)
    np.save(folder / "val.npy", scores)
    np.save(folder / "soft.npy", calibrated(apart, melanoma, classes, weights.float()).numpy())
    guesses = apart[:, 0].numpy()
    by_set = by_source(guesses, train.melanoma, train.classes, train.source)
    print(f"out of fold: {figures(guesses, train.melanoma, train.classes)}, nevus AUC by set {by_set}")
    for name, figure in figures(scores, val.melanoma, val.classes, BOOTSTRAP).items():
        print(f"{name}: {figure}")
    print(f"nevus AUC by set: {by_source(scores, val.melanoma, val.classes, val.source)}")
    seconds = time.process_time() - start
    (folder / "seconds.json").write_text(json.dumps(seconds))
    print(f"{seconds / 3600:.3f} core-hours")


if __name__ == "__main__":
    main()
