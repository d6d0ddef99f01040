#!/usr/bin/env python3
"""Trains one recipe of recipes.py on the arrays of dataset.py; stopped anywhere, the same command goes on.

    python3 -m venv .venv && .venv/bin/pip install -r examples/mnist/requirements.txt
    .venv/bin/python examples/melanoma/train.py --work DIR --recipe NAME

DIR/NAME/ gets log.jsonl (a line an evaluation: epoch, losses, validation figures, cost in core-hours), checkpoint.pt (all
that the next epoch needs, generators included), final.pt (the averaged weights at the end) and val.npy (the scores of the
validation images). The seed is fixed and one thread computes. Only the training and validation splits can be loaded.

What is particular to encrypted inference:
* activations are a·x² + b·x behind a batch normalisation, and a penalty pulls inputs beyond a soft limit back, because a
  wide range costs bits of the modulus;
* the figures are those of an exponential moving average of the weights, whose ranges are calmer than the last step's.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from augment import augment
from dataset import CLASSES, Split, load_split
from metrics import by_source, figures
from layers import ACTIVATIONS
from networks import build, cost
from recipes import RECIPES, teachers
from views import SIZE, SOURCE_SIZE, load_views, reduced
from whitening import WhitenedConv

# Both benign keratoses are one class of the auxiliary head: the two image sets name them differently.
AUXILIARY = torch.tensor([0, 1, 2, 2, 3, 4, 5, 6])
BOOTSTRAP = 1000


class Training:
    """One run: everything that a checkpoint holds, and a step over one epoch."""

    def __init__(self, recipe: dict, train: Split, folder: Path):
        torch.manual_seed(recipe.get("seed", 1))
        self.recipe = recipe
        self.size = recipe.get("size", SIZE)
        self.data = train
        self.labels = torch.from_numpy(train.melanoma)
        self.classes = AUXILIARY[torch.from_numpy(train.classes)]
        self.generator = torch.Generator().manual_seed(recipe.get("seed", 1))
        self.network = build(recipe)
        for module in self.network.modules():
            if isinstance(module, WhitenedConv):
                module.fit(reduced(train.images[:: max(1, len(train.files) // 500)], self.size))
        self.network = self.network.to(memory_format=torch.channels_last)
        if "start" in recipe:
            begin(self.network, torch.load(folder.parent / recipe["start"] / "final.pt", weights_only=True))
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        weights = [p for p in self.network.parameters() if p.dim() == 2 or p.dim() == 4 and p.shape[0] > 1]
        chosen = {id(p) for p in weights}
        others = [p for p in self.network.parameters() if id(p) not in chosen]
        self.optimizer = torch.optim.AdamW(
            [{"params": weights, "weight_decay": recipe["decay"]}, {"params": others, "weight_decay": 0.0}], lr=1e-3
        )
        self.steps = len(self.labels) // recipe["batch"]
        self.epoch = 0
        self.seconds = 0.0  # of one core, over all parts of the run
        self.folder = folder
        emphasis = torch.tensor([float(recipe.get("emphasis", {}).get(source, 1)) for source in train.source])
        self.weights = sampling_weights(
            self.classes, self.labels, recipe["melanoma_share"], recipe.get("evenness", 0.5), emphasis
        )
        self.inputs: list[torch.Tensor] = []
        for module in self.network.modules():
            if isinstance(module, ACTIVATIONS):
                module.register_forward_pre_hook(lambda _, args: self.inputs.append(args[0]))
        self.views = load_views(folder.parent, recipe["views"], self.size) if "views" in recipe else None
        # Logits for each image, melanoma and classes, the mean of what the teachers say.
        soft = [torch.from_numpy(np.load(folder.parent / name / "soft.npy")) for name in teachers(recipe)]
        self.soft = torch.stack(soft).mean(0) if soft else None

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch_generator": torch.get_rng_state(),
            "epoch": self.epoch,
            "seconds": self.seconds,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.rename(self.checkpoint)

    def restore(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch_generator"])
        self.epoch, self.seconds = state["epoch"], state["seconds"]

    def learning_rate(self, step: int) -> float:
        """A linear rise over the first twentieth, then half a cosine to nothing."""
        total = self.steps * self.recipe["epochs"]
        rise = max(1, total // 20)
        if step < rise:
            return self.recipe["rate"] * (step + 1) / rise
        return self.recipe["rate"] * 0.5 * (1 + math.cos(math.pi * (step - rise) / (total - rise)))

    def run_epoch(self) -> dict:
        self.network.train()
        start = time.process_time()
        sums: dict[str, float] = {}
        batch = self.recipe["batch"]
        chosen = torch.multinomial(self.weights, self.steps * batch, replacement=True, generator=self.generator)
        for i, rows in enumerate(chosen.split(batch)):
            step = self.epoch * self.steps + i
            for group in self.optimizer.param_groups:
                group["lr"] = self.learning_rate(step)
            losses = self.losses(rows)
            self.optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
            self.optimizer.step()
            self.update_average(step)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item() / self.steps
        self.epoch += 1
        self.seconds += time.process_time() - start
        return sums

    def losses(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        recipe = self.recipe
        colour = recipe.get("colour", recipe["augment"])
        if self.views is None:
            # Sorted, so that a mapped file is read from front to back.
            rows = rows.sort().values
            pixels = augment(torch.from_numpy(self.data.images[rows.numpy()]), self.size, recipe["augment"], colour, self.generator)
        else:
            pixels = self.views.draw(rows, colour, self.generator)
        target = self.labels[rows].float()
        smooth = recipe.get("smooth", 0.05)
        soft = target * (1 - smooth) + smooth / 2
        self.inputs.clear()
        logit, classes = self.network(pixels.contiguous(memory_format=torch.channels_last))
        auxiliary = functional.cross_entropy(classes, self.classes[rows], label_smoothing=smooth)
        result = {"melanoma": functional.binary_cross_entropy_with_logits(logit, soft), "classes": 0.5 * auxiliary}
        if self.soft is not None:
            share, soft = recipe["distil"], self.soft[rows]
            distilled = functional.binary_cross_entropy_with_logits(logit, soft[:, 0].sigmoid())
            distilled_classes = functional.cross_entropy(classes, soft[:, 1:].softmax(1))
            result = {name: value * (1 - share) for name, value in result.items()}
            result["distilled"] = share * (distilled + 0.5 * distilled_classes)
        if self.inputs:
            limit = recipe["limit"]
            excess = [functional.relu(z.abs() - limit).square().sum() / len(rows) for z in self.inputs]
            result["range"] = recipe["penalty"] * torch.stack(excess).sum()
        return result

    def update_average(self, step: int) -> None:
        # Short at first, so that the average does not carry the initial weights along.
        decay = min(self.recipe.get("average", 0.999), (step + 1) / (step + 10))
        with torch.no_grad():
            for kept, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if kept.dtype.is_floating_point:
                    kept.lerp_(value, 1 - decay)
                else:
                    kept.copy_(value)


def begin(network: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Starts from the weights of another network; heads that read another number of rings, at another size, stay at first weights."""
    own = network.state_dict()
    other = [name for name, value in weights.items() if value.shape != own[name].shape]
    assert all(name.startswith(("dense", "classes")) for name in other), other
    network.load_state_dict({name: own[name] if name in other else value for name, value in weights.items()})


def sampling_weights(
    classes: torch.Tensor, melanoma: torch.Tensor, share: float, evenness: float, emphasis: torch.Tensor | None = None
) -> torch.Tensor:
    """Melanomas make up `share` of what is drawn; the others from as they are (`evenness` 0) to each class as often (1).

    `emphasis` is a factor for each image, within melanomas and within the others.
    """
    counts = torch.bincount(classes).double()
    weights = counts[classes].pow(-evenness)
    weights[melanoma == 1] = 1
    if emphasis is not None:
        weights *= emphasis
    weights[melanoma == 0] *= (1 - share) / weights[melanoma == 0].sum()
    weights[melanoma == 1] *= share / weights[melanoma == 1].sum()
    return weights


def scores(network: nn.Module, images: np.ndarray) -> np.ndarray:
    """The melanoma logits of prepared images, uint8 [n, 3, size, size]."""
    network.eval()
    with torch.inference_mode():
        parts = [
            network((torch.from_numpy(np.array(images[at : at + 100])).float() / 255))[0]
            for at in range(0, len(images), 100)
        ]
    return torch.cat(parts).numpy()


def ranges(network: nn.Module, images: np.ndarray) -> list[float]:
    """The largest |input| of each activation."""
    largest: dict[nn.Module, float] = {}

    def note(module: nn.Module, args: tuple) -> None:
        largest[module] = max(largest.get(module, 0.0), args[0].abs().max().item())

    hooks = [m.register_forward_pre_hook(note) for m in network.modules() if isinstance(m, ACTIVATIONS)]
    scores(network, images)
    for hook in hooks:
        hook.remove()
    return [round(value, 1) for value in largest.values()]


def report(training: Training, val: Split, losses: dict, repeats: int) -> dict:
    values = scores(training.average, val.images)
    np.save(training.folder / "val.npy", values)
    line = {
        "epoch": training.epoch,
        "core_hours": round(training.seconds / 3600, 4),
        "losses": {name: round(value, 4) for name, value in losses.items()},
        "ranges": ranges(training.average, val.images),
        **figures(values, val.melanoma, val.classes, repeats),
        "nevus_by_source": by_source(values, val.melanoma, val.classes, val.source),
    }
    with open(training.folder / "log.jsonl", "a") as log:
        log.write(json.dumps(line) + "\n")
    nevus, everything = line["nevus"], line["all"]
    sets = " ".join(f"{value:.3f}" for value in line["nevus_by_source"].values())
    print(
        f"epoch {line['epoch']:3d}  {line['core_hours']:.2f} core-h  "
        f"nevus AUC {nevus['auc']:.3f} BA {nevus['ba']:.3f}  all AUC {everything['auc']:.3f} BA {everything['ba']:.3f}  "
        f"by set {sets}  {line['losses']}  ranges {line['ranges']}",
        flush=True,
    )
    return line


def train(work: Path, name: str) -> None:
    recipe = RECIPES[name]
    folder = work / name
    if (folder / "final.pt").exists():
        print(f"{name}: done")
        return
    folder.mkdir(parents=True, exist_ok=True)
    train_split, val = load_split(work, "train", SOURCE_SIZE), load_split(work, "val", recipe.get("size", SIZE))
    assert CLASSES[1] == "mel"
    assert not set(train_split.files) & set(val.files)
    training = Training(recipe, train_split, folder)
    if training.checkpoint.exists():
        training.restore()
    multiply_adds, activations, parameters = cost(training.network, training.size)
    print(
        f"{name}: {multiply_adds / 1e6:.2f} M multiply-adds, {activations} activations, {parameters} parameters; "
        f"epoch {training.epoch} of {recipe['epochs']}",
        flush=True,
    )
    while training.epoch < recipe["epochs"]:
        losses = training.run_epoch()
        training.save()
        last = training.epoch == recipe["epochs"]
        if last or training.epoch % recipe.get("every", 5) == 0:
            report(training, val, losses, BOOTSTRAP if last else 0)
    torch.save(training.average.state_dict(), folder / "final.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train one recipe of recipes.py.")
    parser.add_argument("--work", type=Path, required=True, help="folder of the arrays and of the runs")
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    train(options.work, options.recipe)


if __name__ == "__main__":
    main()
