#!/usr/bin/env python3
"""The arrays that train.py reads: the prepared training and validation images, kept as bytes.

    .venv/bin/python examples/melanoma/dataset.py --work DIR [--data DIR] --split train --size 256
    .venv/bin/python examples/melanoma/dataset.py --work DIR [--data DIR] --split val --size 128

--data is the folder with labels.csv; by default $CIPHERLOOM_DATA/skin, else ../shared/data/skin. The images go through
`npm run melanoma:prepare`, the only preprocessing there is. Its float32 output is kept as uint8 (it holds bytes / 255, so
that nothing is lost) in DIR/<split>-<size>.npy, with the rows of labels.csv that belong to it in DIR/<split>.csv.
The test split is refused here, so that nothing that trains or chooses can see it.
"""

import argparse
import csv
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
SPLITS = ("train", "val")
CLASSES = ("nv", "mel", "bkl", "sk", "bcc", "akiec", "vasc", "df")
KERNEL = "area"
CHUNK = 256  # images converted at a time


@dataclass(frozen=True)
class Split:
    """Images uint8 [n, 3, size, size] (mapped), and by image: class of CLASSES, 1 = melanoma, folder, file, lesion."""

    images: np.ndarray
    classes: np.ndarray
    melanoma: np.ndarray
    source: np.ndarray
    files: list[str]
    lesions: list[str]


def default_data() -> Path:
    root = os.environ.get("CIPHERLOOM_DATA")
    return Path(root) / "skin" if root else ROOT.parent / "shared" / "data" / "skin"


def load_split(work: Path, split: str, size: int) -> Split:
    refuse_other_splits(split)
    array, table = work / f"{split}-{size}.npy", work / f"{split}.csv"
    if not array.exists() or not table.exists():
        raise SystemExit(f"{array} not found: python examples/melanoma/dataset.py --work {work} --split {split} --size {size}")
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["split"] == split for row in rows), f"{table} holds images of another split"
    images = np.load(array, mmap_mode="r")
    if images.shape != (len(rows), 3, size, size) or images.dtype != np.uint8:
        raise SystemExit(f"{array}: {images.dtype} {images.shape} does not fit the {len(rows)} rows of {table}")
    return Split(
        images=images,
        classes=np.array([CLASSES.index(row["dx"]) for row in rows]),
        melanoma=np.array([int(row["melanoma"]) for row in rows]),
        source=np.array([row["file"].split("/")[0] for row in rows]),
        files=[row["file"] for row in rows],
        lesions=[row["lesion"] for row in rows],
    )


def refuse_other_splits(split: str) -> None:
    if split not in SPLITS:
        raise SystemExit(f"split {split!r} is not one of {', '.join(SPLITS)}: training never sees the others")


def write_table(data: Path, table: Path, split: str) -> None:
    with open(data / "labels.csv", newline="") as file:
        reader = csv.DictReader(file)
        fields = list(reader.fieldnames or [])
        rows = [row for row in reader if row["split"] == split]
    with open(table, "w", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)


def prepare(data: Path, work: Path, split: str, size: int) -> None:
    refuse_other_splits(split)
    work.mkdir(parents=True, exist_ok=True)
    table, target = work / f"{split}.csv", work / f"{split}-{size}.npy"
    floats, labels, part = (work / f"{split}-{size}.{suffix}.npy" for suffix in ("float", "labels", "part"))
    write_table(data, table, split)
    command = ["npm", "run", "--silent", "melanoma:prepare", "--", "--images", data, "--labels", table]
    command += ["--out", floats, "--labels-out", labels, "--size", str(size), "--kernel", KERNEL]
    if subprocess.run([str(part) for part in command], cwd=ROOT).returncode != 0:
        sys.exit(3)
    source = np.load(floats, mmap_mode="r")
    bytes_ = np.lib.format.open_memmap(part, "w+", np.uint8, source.shape)
    for at in range(0, len(source), CHUNK):
        scaled = source[at : at + CHUNK] * np.float32(255)
        bytes_[at : at + CHUNK] = np.rint(scaled)
        assert np.abs(scaled - bytes_[at : at + CHUNK]).max() < 1e-3, "melanoma:prepare no longer writes bytes / 255"
    bytes_.flush()
    part.rename(target)
    floats.unlink()
    labels.unlink()
    print(f"{target}: {source.shape[0]} images")


def main() -> None:
    parser = argparse.ArgumentParser(description="Prepare the arrays that train.py reads.")
    parser.add_argument("--work", type=Path, required=True, help="folder for the arrays, outside the repository")
    parser.add_argument("--data", type=Path, default=default_data(), help="folder with labels.csv")
    parser.add_argument("--split", choices=SPLITS, required=True)
    parser.add_argument("--size", type=int, required=True)
    options = parser.parse_args()
    prepare(options.data.resolve(), options.work.resolve(), options.split, options.size)


if __name__ == "__main__":
    main()
