#!/usr/bin/env python3
"""Augmented training images, drawn once and judged once by a teacher, so that a student's epoch costs the student alone.

    .venv/bin/python examples/melanoma/views.py --work DIR --pool NAME

A pool of POOLS holds, for each training image, some augmented views (DIR/NAME/views.npy, uint8 [views, n, 3, size, size]) and the
teachers' mean logits of each, averaged over its four mirrorings (DIR/NAME/logits.npy, float32 [views, n, 8]: melanoma, classes).
Stopped anywhere, the same command goes on with the next view.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from augment import augment
from dataset import load_split
from networks import AUXILIARY_CLASSES, Classifier, build
from recipes import POOLS, RECIPES

SIZE = 128
SOURCE_SIZE = 256  # training images are kept larger, so that a scaled or turned one is still sharp
BATCH = 64
MIRRORINGS = ([], [2], [3], [2, 3])


@dataclass(frozen=True)
class Pool:
    """images: uint8 [views, n, 3, size, size], mapped; logits: float32 [views, n, 1 + classes]."""

    images: np.ndarray
    logits: torch.Tensor

    def draw(self, rows: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """A random view of each row, turned and mirrored, as float32 in 0…1, and the teachers' logits."""
        views = torch.randint(len(self.images), (len(rows),), generator=generator)
        pixels = torch.from_numpy(self.images[views.numpy(), rows.numpy()]).float().div_(255)
        parts = list(pixels.chunk(8))
        for symmetry, part in enumerate(parts):
            turned = part.transpose(2, 3) if symmetry & 4 else part
            parts[symmetry] = turned.flip([axis for axis, bit in ((2, 1), (3, 2)) if symmetry & bit])
        return torch.cat(parts), self.logits[views, rows]


def load_pool(folder: Path) -> Pool:
    if not (folder / "logits.npy").exists():
        command = f"python examples/melanoma/views.py --work {folder.parent} --pool {folder.name}"
        raise SystemExit(f"{folder}/logits.npy not found: {command}")
    return Pool(np.load(folder / "views.npy", mmap_mode="r"), torch.from_numpy(np.load(folder / "logits.npy")))


def load_network(work: Path, name: str) -> Classifier:
    file = work / name / "final.pt"
    if not file.exists():
        raise SystemExit(f"{file} not found: train recipe {name} first")
    network = build(RECIPES[name])
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)


def judge(teachers: list[Classifier], pixels: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(len(pixels), 1 + AUXILIARY_CLASSES)
    with torch.inference_mode():
        for teacher in teachers:
            for axes in MIRRORINGS:
                logit, classes = teacher(pixels.flip(axes).contiguous(memory_format=torch.channels_last))
                total += torch.cat([logit[:, None], classes], 1)
    return total / (len(teachers) * len(MIRRORINGS))


def make_pool(work: Path, name: str) -> None:
    recipe, folder = POOLS[name], work / name
    if (folder / "logits.npy").exists():
        print(f"{name}: done")
        return
    folder.mkdir(parents=True, exist_ok=True)
    teachers = [load_network(work, teacher) for teacher in recipe["teachers"]]
    train = load_split(work, "train", SOURCE_SIZE)
    count, n = recipe["views"], len(train.files)
    file, progress = folder / "views.npy", folder / "progress.json"
    state = json.loads(progress.read_text()) if progress.exists() else {"views": 0, "seconds": 0.0}
    shape = (count, n, 3, SIZE, SIZE)
    images = np.lib.format.open_memmap(file, "r+" if state["views"] > 0 else "w+", np.uint8, shape)
    for view in range(state["views"], count):
        start = time.process_time()
        generator = torch.Generator().manual_seed(1000 + view)
        logits = np.empty((n, 1 + AUXILIARY_CLASSES), np.float32)
        for at in range(0, n, BATCH):
            source = torch.from_numpy(np.array(train.images[at : at + BATCH]))
            pixels = augment(source, SIZE, recipe["augment"], recipe["colour"], generator)
            bytes_ = pixels.mul(255).round_()
            images[view, at : at + BATCH] = bytes_.byte().numpy()
            logits[at : at + BATCH] = judge(teachers, bytes_.div_(255)).numpy()
        images.flush()
        np.save(folder / f"logits-{view}.npy", logits)
        state = {"views": view + 1, "seconds": state["seconds"] + time.process_time() - start}
        progress.write_text(json.dumps(state))
        print(f"{name}: view {view + 1} of {count}, {state['seconds'] / 3600:.2f} core-h", flush=True)
    np.save(folder / "logits.npy", np.stack([np.load(folder / f"logits-{view}.npy") for view in range(count)]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw augmented views and let a teacher judge them.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pool", choices=POOLS, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    make_pool(options.work, options.pool)


if __name__ == "__main__":
    main()
