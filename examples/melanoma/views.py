#!/usr/bin/env python3
"""Training images in several views, drawn once, so that an epoch costs the network alone.

    .venv/bin/python examples/melanoma/views.py --work DIR --views 4 [--size 224]

DIR/views/<i>.npy (DIR/views-SIZE at another size than 128) holds uint8 [n, 3, size, size]: view 0 the images as they are, the others turned, scaled and shifted
(`augment`, without colours). To draw one costs 0.004 core-hours, more than an epoch of a network of four million multiply-adds.
The symmetries of the square and the colours are drawn anew each time. Views that exist are kept.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from augment import augment, colours
from dataset import load_split

SIZE = 128
SOURCE_SIZE = 256  # training images are kept larger, so that a scaled or turned one is still sharp
STRENGTH = 0.6
SEED = 999
CHUNK = 64


@dataclass(frozen=True)
class Views:
    """Mapped arrays, one a view, uint8 [n, 3, size, size]."""

    images: list[np.ndarray]

    def draw(self, rows: torch.Tensor, colour: float, generator: torch.Generator) -> torch.Tensor:
        """A random view of each row, turned or mirrored, its colours varied, as float32 in 0…1."""
        views = torch.randint(len(self.images), (len(rows),), generator=generator)
        chosen = np.stack([self.images[view][row] for view, row in zip(views.tolist(), rows.tolist())])
        parts = list(torch.from_numpy(chosen).float().chunk(8))
        for symmetry, part in enumerate(parts):
            turned = part.transpose(2, 3) if symmetry & 4 else part
            parts[symmetry] = turned.flip([axis for axis, bit in ((2, 1), (3, 2)) if symmetry & bit])
        return colours(torch.cat(parts), colour, generator)


def views_folder(work: Path, size: int) -> Path:
    return work / ("views" if size == SIZE else f"views-{size}")


def load_views(work: Path, count: int, size: int = SIZE) -> Views:
    files = [views_folder(work, size) / f"{view}.npy" for view in range(count)]
    for file in files:
        if not file.exists():
            command = f"python examples/melanoma/views.py --work {work} --views {count} --size {size}"
            raise SystemExit(f"{file} not found: {command}")
    return Views([np.load(file, mmap_mode="r") for file in files])


def area_weights(size: int) -> torch.Tensor:
    """The area kernel along one axis, [size, SOURCE_SIZE]: a target pixel is the mean of what it covers."""
    edges = torch.arange(size + 1, dtype=torch.float64) * SOURCE_SIZE / size
    pixels = torch.arange(SOURCE_SIZE, dtype=torch.float64)
    covered = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    return (covered.clamp(min=0) * size / SOURCE_SIZE).float()


def reduced(images: np.ndarray, size: int = SIZE) -> torch.Tensor:
    """Source images as the network sees them without augmentation, float32 in 0…1."""
    weights = area_weights(size)
    return weights @ (torch.from_numpy(np.array(images)).float() / 255) @ weights.T


def make_view(images: np.ndarray, view: int, size: int, file: Path) -> None:
    generator = torch.Generator().manual_seed(SEED + view)
    part = file.with_suffix(".part")
    drawn = np.lib.format.open_memmap(part, "w+", np.uint8, (len(images), 3, size, size))
    for at in range(0, len(images), CHUNK):
        source = images[at : at + CHUNK]
        if view == 0:
            pixels = reduced(source, size)
        else:
            pixels = augment(torch.from_numpy(np.array(source)), size, STRENGTH, 0.0, generator)
        drawn[at : at + CHUNK] = pixels.mul(255).round_().byte().numpy()
    drawn.flush()
    part.rename(file)


def make_views(work: Path, count: int, size: int) -> None:
    train = load_split(work, "train", SOURCE_SIZE)
    folder = views_folder(work, size)
    folder.mkdir(exist_ok=True)
    log = folder / "seconds.json"
    seconds = json.loads(log.read_text()) if log.exists() else 0.0
    for view in range(count):
        file = folder / f"{view}.npy"
        if file.exists():
            continue
        start = time.process_time()
        make_view(train.images, view, size, file)
        seconds += time.process_time() - start
        log.write_text(json.dumps(seconds))
        print(f"{file}, {seconds / 3600:.3f} core-hours in all", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw views of the training images.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--views", type=int, required=True, help="how many, the images themselves the first")
    parser.add_argument("--size", type=int, default=SIZE, help="pixels of a side")
    options = parser.parse_args()
    torch.set_num_threads(1)
    make_views(options.work, options.views, options.size)


if __name__ == "__main__":
    main()
