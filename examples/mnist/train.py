#!/usr/bin/env python3
"""Trains the MNIST networks of this folder and writes them as ONNX files.

    python3 -m venv .venv && .venv/bin/pip install -r examples/mnist/requirements.txt
    .venv/bin/python examples/mnist/train.py --model all
    .venv/bin/python examples/mnist/train.py --model lola --data DIR --out DIR

DIR of --data holds the four idx files of MNIST, gzipped or not; by default it is $CIPHERLOOM_DATA/mnist, else
../shared/data/mnist. Beside the networks, the script writes the first 20 test images with their labels and 128 training
images for the calibration of ranges. The seed is fixed and one thread computes, so that one machine and one version of
PyTorch give the same weights twice. The test images choose nothing: the weights after the last epoch are the ones written.

What is particular to encrypted inference:
* every activation stands behind a batch normalisation, and a penalty pulls the few inputs beyond a soft limit back,
  because a wide range costs bits of the modulus (x²) or degrees of the polynomial (ReLU);
* `relu` is an ordinary ReLU network; the script prints what polynomials of degree 3 to 8 in place of its ReLUs would cost;
* `lola`, `cryptonets`, `mlp` and `tenseal` are written with the normalisation folded, `lenet` and `relu` keep it as nodes of its own.
"""

import argparse
import copy
import gzip
import os
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.polynomial import chebyshev
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEED = 20240229
BATCH = 128
SHIFT = 2  # pixels by which a training image moves at most, in each direction
POLYNOMIAL_DEGREES = range(3, 9)


class SquareByMul(nn.Module):
    """x², exported as Mul(x, x)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x


class SquareByPow(nn.Module):
    """x², exported as Pow(x, 2)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.pow(x, 2)


class Polynomial(nn.Module):
    """A Chebyshev series on [-radius, radius], evaluated by Clenshaw's recurrence."""

    def __init__(self, coefficients: np.ndarray, radius: float):
        super().__init__()
        self.coefficients = [float(c) for c in coefficients]
        self.radius = radius

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = x / self.radius
        above, current = torch.zeros_like(t), torch.zeros_like(t)
        for c in reversed(self.coefficients[1:]):
            above, current = current, 2 * t * current - above + c
        return t * current - above + self.coefficients[0]


ACTIVATIONS = (SquareByMul, SquareByPow, nn.ReLU)


def sequence(**layers: nn.Module) -> nn.Sequential:
    """A chain of layers whose names become those of the ONNX nodes and initialisers."""
    return nn.Sequential(OrderedDict(layers))


def lola() -> nn.Sequential:
    return sequence(
        conv1=nn.Conv2d(1, 5, 2, stride=2), norm1=nn.BatchNorm2d(5), square1=SquareByMul(),
        flatten=nn.Flatten(),
        dense1=nn.Linear(980, 100), norm2=nn.BatchNorm1d(100), square2=SquareByMul(),
        dense2=nn.Linear(100, 10),
    )  # fmt: skip


def lenet() -> nn.Sequential:
    return sequence(
        conv1=nn.Conv2d(1, 32, 5, stride=2, padding=2), norm1=nn.BatchNorm2d(32), square1=SquareByPow(),
        conv2=nn.Conv2d(32, 64, 5, stride=2, padding=2), norm2=nn.BatchNorm2d(64), square2=SquareByPow(),
        flatten=nn.Flatten(),
        dense1=nn.Linear(3136, 512), norm3=nn.BatchNorm1d(512), square3=SquareByPow(),
        dense2=nn.Linear(512, 10),
    )  # fmt: skip


def cryptonets() -> nn.Sequential:
    return sequence(
        conv1=nn.Conv2d(1, 5, 5, stride=2, padding=1), norm1=nn.BatchNorm2d(5), square1=SquareByPow(),
        pool1=nn.AvgPool2d(3, stride=1, padding=1),
        conv2=nn.Conv2d(5, 50, 5, stride=2),
        pool2=nn.AvgPool2d(3, stride=1, padding=1),
        flatten=nn.Flatten(),
        dense1=nn.Linear(1250, 100), norm2=nn.BatchNorm1d(100), square2=SquareByMul(),
        dense2=nn.Linear(100, 10),
    )  # fmt: skip


def relu() -> nn.Sequential:
    return sequence(
        conv1=nn.Conv2d(1, 12, 5, stride=2, padding=2), norm1=nn.BatchNorm2d(12), relu1=nn.ReLU(),
        conv2=nn.Conv2d(12, 24, 5, stride=2, padding=2), norm2=nn.BatchNorm2d(24), relu2=nn.ReLU(),
        flatten=nn.Flatten(),
        dense=nn.Linear(1176, 10),
    )  # fmt: skip


def mlp() -> nn.Sequential:
    return sequence(
        flatten=nn.Flatten(),
        dense1=nn.Linear(784, 128), norm1=nn.BatchNorm1d(128), square1=SquareByMul(),
        dense2=nn.Linear(128, 128), norm2=nn.BatchNorm1d(128), square2=SquareByMul(),
        dense3=nn.Linear(128, 10),
    )  # fmt: skip


def tenseal() -> nn.Sequential:
    return sequence(
        conv1=nn.Conv2d(1, 4, 7, stride=3), norm1=nn.BatchNorm2d(4), square1=SquareByMul(),
        flatten=nn.Flatten(),
        dense1=nn.Linear(256, 64), norm2=nn.BatchNorm1d(64), square2=SquareByMul(),
        dense2=nn.Linear(64, 10),
    )  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    build: Callable[[], nn.Sequential]
    floor: float  # test accuracy below which the script fails
    epochs: int
    learning_rate: float
    weight_decay: float
    soft_limit: float  # |input of an activation| beyond which the penalty begins
    opset: int
    fold_batch_norm: bool


RECIPES = {
    "lola": Recipe(lola, 0.975, 20, 4e-3, 0.05, 3.0, opset=13, fold_batch_norm=True),
    "cryptonets": Recipe(cryptonets, 0.985, 20, 4e-3, 0.05, 3.0, opset=17, fold_batch_norm=True),
    "relu": Recipe(relu, 0.988, 20, 5e-3, 0.05, 2.5, opset=17, fold_batch_norm=False),
    "mlp": Recipe(mlp, 0.975, 20, 4e-3, 0.05, 3.0, opset=17, fold_batch_norm=True),
    "tenseal": Recipe(tenseal, 0.975, 20, 4e-3, 0.05, 3.0, opset=17, fold_batch_norm=True),
    "lenet": Recipe(lenet, 0.990, 8, 2e-3, 0.05, 3.0, opset=17, fold_batch_norm=False),
}
PENALTY = 0.05


@dataclass(frozen=True)
class Mnist:
    """Images float32 [n, 1, 28, 28] in 0…1, labels int64 [n]."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def read_idx(folder: Path, name: str) -> np.ndarray:
    plain, zipped = folder / name, folder / f"{name}.gz"
    if plain.exists():
        raw = plain.read_bytes()
    elif zipped.exists():
        raw = gzip.decompress(zipped.read_bytes())
    else:
        raise SystemExit(f"{plain}[.gz] not found: pass --data DIR or set CIPHERLOOM_DATA to the parent of mnist/")
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", count=rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load_mnist(folder: Path) -> Mnist:
    def images(name: str) -> torch.Tensor:
        return torch.from_numpy(read_idx(folder, name).astype(np.float32) / np.float32(255)).unsqueeze(1)

    def labels(name: str) -> torch.Tensor:
        return torch.from_numpy(read_idx(folder, name).astype(np.int64))

    return Mnist(
        images("train-images-idx3-ubyte"),
        labels("train-labels-idx1-ubyte"),
        images("t10k-images-idx3-ubyte"),
        labels("t10k-labels-idx1-ubyte"),
    )


def calibration_indices(labels: torch.Tensor, count: int = 128) -> torch.Tensor:
    """The first images of each class, as evenly as `count` allows, in the order of the file."""
    chosen = [
        torch.nonzero(labels == digit)[: count // 10 + (digit < count % 10), 0] for digit in range(10)
    ]
    return torch.cat(chosen).sort().values


def shifted(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each image moved by its own random offset, zeros coming in at the border."""
    n = images.shape[0]
    windows = nn.functional.pad(images[:, 0], [SHIFT] * 4).unfold(1, 28, 1).unfold(2, 28, 1)
    offset = torch.randint(0, 2 * SHIFT + 1, (2, n), generator=generator)
    return windows[torch.arange(n), offset[0], offset[1]].unsqueeze(1)


def activations(network: nn.Sequential) -> list[int]:
    return [i for i, layer in enumerate(network) if isinstance(layer, ACTIVATIONS)]


def forward_with_inputs(network: nn.Sequential, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The logits and what went into each activation."""
    inputs = []
    for layer in network:
        if isinstance(layer, ACTIVATIONS):
            inputs.append(x)
        x = layer(x)
    return x, inputs


def train(recipe: Recipe, data: Mnist, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = recipe.build()
    weights = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=recipe.learning_rate,
    )
    steps = len(data.train_images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.epochs * steps, pct_start=0.2
    )
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        start, loss_sum = time.perf_counter(), 0.0
        order = torch.randperm(len(data.train_images), generator=generator)
        for batch in order[: steps * BATCH].split(BATCH):
            logits, inputs = forward_with_inputs(network, shifted(data.train_images[batch], generator))
            loss = nn.functional.cross_entropy(logits, data.train_labels[batch])
            loss_sum += loss.item()
            for z in inputs:
                excess = (z.abs() - recipe.soft_limit).clamp(min=0)
                loss = loss + PENALTY * excess.square().sum() / len(batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
        seconds = time.perf_counter() - start
        print(f"  epoch {epoch:2d}/{recipe.epochs}  loss {loss_sum / steps:.4f}  {seconds:.1f} s", flush=True)
    return network.eval()


def predict(network: nn.Sequential, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat([network(part) for part in images.split(1000)])


def print_ranges(network: nn.Sequential, images: torch.Tensor) -> None:
    with torch.inference_mode():
        parts = [forward_with_inputs(network, part) for part in images.split(1000)]
    names = list(dict(network.named_children()))
    for k, i in enumerate(activations(network)):
        z = torch.cat([inputs[k] for _, inputs in parts])
        print(
            f"  {names[i]} on {len(images)} images: input {z.min():.2f} … {z.max():.2f} (deviation {z.std():.2f}), "
            f"output at most {network[i](z).abs().max():.2f}"
        )
    logits = torch.cat([logits for logits, _ in parts])
    print(f"  logits: {logits.min():.2f} … {logits.max():.2f}")


def fit_relu(samples: np.ndarray, degree: int) -> Polynomial:
    """Least squares for ReLU under the density of `samples`, plus a thin uniform density that holds the tails."""
    radius = 1.1 * float(np.abs(samples).max())
    density, edges = np.histogram(samples, bins=512, range=(-radius, radius), density=True)
    centres = (edges[1:] + edges[:-1]) / 2
    weight = np.sqrt(density + 1e-3 / (2 * radius))
    return Polynomial(chebyshev.chebfit(centres / radius, np.maximum(centres, 0), degree, w=weight), radius)


def print_polynomial_replacements(network: nn.Sequential, calibration: torch.Tensor, data: Mnist) -> None:
    """Replaces the ReLUs from first to last, each fitted on what reaches it through the polynomials before it."""
    original = predict(network, data.test_images).argmax(1)
    for degree in POLYNOMIAL_DEGREES:
        replaced = copy.deepcopy(network)
        for i in activations(network):
            with torch.inference_mode():
                samples = replaced[:i](calibration).numpy().ravel()
            replaced[i] = fit_relu(samples, degree)
        answer = predict(replaced, data.test_images).argmax(1)
        accuracy = (answer == data.test_labels).float().mean().item()
        agreement = (answer == original).float().mean().item()
        print(f"  ReLU as polynomials of degree {degree}: accuracy {accuracy:.2%}, agreement {agreement:.2%}")


def fold_batch_norm(network: nn.Sequential) -> nn.Sequential:
    folded: dict[str, nn.Module] = {}
    for name, layer in network.named_children():
        if isinstance(layer, nn.BatchNorm2d):
            last, conv = folded.popitem()
            folded[last] = fuse_conv_bn_eval(conv, layer)
        elif isinstance(layer, nn.BatchNorm1d):
            last, dense = folded.popitem()
            folded[last] = fuse_linear_bn_eval(dense, layer)
        else:
            folded[name] = layer
    return sequence(**folded)


def export(network: nn.Sequential, opset: int, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, 28, 28),),
            str(file),
            dynamo=False,
            # EVAL would fold a batch normalisation into the convolution before it.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            opset_version=opset,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
        )
    model = onnx.load(file)
    model.graph.name = file.stem
    onnx.helper.set_model_props(
        model, {"cipherloom.range.image": "0,1", "cipherloom.labels": ",".join(str(d) for d in range(10))}
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)
    print(f"  {file.name}: {file.stat().st_size} bytes, opset {opset}, {' '.join(n.op_type for n in model.graph.node)}")


def run_onnx(file: Path, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    parts = np.split(images, len(images) // 1000)
    return np.concatenate([session.run(["logits"], {"image": part})[0] for part in parts])


def check_file(file: Path, network: nn.Sequential, data: Mnist, floor: float) -> None:
    """The written file, in onnxruntime, against PyTorch and against the accuracy it has to reach."""
    logits = run_onnx(file, data.test_images.numpy())
    expected = predict(network, data.test_images).numpy()
    error = float(np.abs(logits - expected).max())
    accuracy = float((logits.argmax(1) == data.test_labels.numpy()).mean())
    print(f"  onnxruntime: accuracy {accuracy:.2%} on {len(logits)} images, |logit - PyTorch| at most {error:.1e}")
    if error > 1e-3:
        raise SystemExit(f"{file.name}: onnxruntime and PyTorch differ by {error:.1e} (limit 1e-3)")
    if accuracy < floor:
        raise SystemExit(f"{file.name}: accuracy {accuracy:.2%} is below {floor:.2%}")


def write_images(data: Mnist, calibration: torch.Tensor, out: Path) -> None:
    np.save(out / "images.npy", data.test_images[:20].numpy())
    np.save(out / "labels.npy", data.test_labels[:20].numpy())
    np.save(out / "calibration.npy", calibration.numpy())


def default_data() -> Path:
    root = os.environ.get("CIPHERLOOM_DATA")
    return Path(root) / "mnist" if root else ROOT.parent / "shared" / "data" / "mnist"


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the MNIST networks of this folder and write them as ONNX files.")
    parser.add_argument("--model", choices=[*RECIPES, "all"], default="all")
    parser.add_argument("--data", type=Path, default=default_data(), help="folder of the MNIST idx files")
    parser.add_argument("--out", type=Path, default=HERE, help="folder the files are written to")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    data = load_mnist(options.data)
    calibration = data.train_images[calibration_indices(data.train_labels)]
    options.out.mkdir(parents=True, exist_ok=True)
    write_images(data, calibration, options.out)

    for name in RECIPES if options.model == "all" else [options.model]:
        recipe = RECIPES[name]
        print(f"{name}: {recipe.epochs} epochs")
        start = time.perf_counter()
        network = train(recipe, data, SEED)
        print(f"  trained in {time.perf_counter() - start:.0f} s")
        print_ranges(network, data.test_images)
        if any(isinstance(layer, nn.ReLU) for layer in network):
            print_polynomial_replacements(network, calibration, data)
        written = fold_batch_norm(network) if recipe.fold_batch_norm else network
        print(f"  {sum(p.numel() for p in written.parameters())} parameters as written")
        file = options.out / f"{name}.onnx"
        export(written, recipe.opset, file)
        check_file(file, written, data, recipe.floor)


if __name__ == "__main__":
    main()
