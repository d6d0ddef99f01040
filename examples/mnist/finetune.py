#!/usr/bin/env python3
"""Trains a module that `cipherloom export-torch` wrote, on MNIST, and writes it as ONNX again.

    cipherloom export-torch examples/mnist/relu.onnx --calibration examples/mnist/calibration.npy \\
        --activation-degree 2 -o relu2.py
    .venv/bin/python examples/mnist/finetune.py relu2.py --out relu2.onnx
    cipherloom compile relu2.onnx --calibration examples/mnist/calibration.npy --input-range 0,1 -o plan/

A polynomial follows its activation in its range alone: the penalty keeps arguments there. Gradients are clipped, since
those of high powers are large. The seed is fixed and one thread computes. Test images choose nothing.
"""

import argparse
import importlib.util
import warnings
from pathlib import Path
from types import ModuleType

import torch
from torch.nn import functional as F
from train import SEED, default_data, load_mnist, shifted

BATCH = 128
LEARNING_RATE = 1e-3
PENALTY = 10.0


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@torch.no_grad()
def accuracy(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    network.eval()
    right = sum(
        (network(x).argmax(1) == y).sum().item() for x, y in zip(images.split(1000), labels.split(1000))
    )
    return right / len(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", type=Path, help="the .py file that export-torch wrote")
    parser.add_argument("--data", type=Path, default=default_data(), help="folder of the MNIST files")
    parser.add_argument("--steps", type=int, default=500, help="steps of 128 training images")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file to write")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    data = load_mnist(args.data)
    module = load(args.module)
    network = module.Network()
    print(f"before: {accuracy(network, data.test_images, data.test_labels):.2%} of the test images")
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    for step in range(args.steps):
        network.train()
        chosen = torch.randint(len(data.train_labels), (BATCH,), generator=generator)
        logits = network(shifted(data.train_images[chosen], generator))
        penalty = module.range_penalty(network)
        loss = F.cross_entropy(logits, data.train_labels[chosen]) + PENALTY * penalty
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}: loss {loss.item():.3f}, outside of the ranges {penalty.item():.1e}")
    print(f"after: {accuracy(network, data.test_images, data.test_labels):.2%} of the test images")
    with warnings.catch_warnings():
        # The exporter that needs no further package is called old.
        warnings.simplefilter("ignore", DeprecationWarning)
        module.export_onnx(network, args.out)


if __name__ == "__main__":
    main()
