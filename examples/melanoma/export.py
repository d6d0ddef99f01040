#!/usr/bin/env python3
"""Writes a trained network as ONNX, with what its preprocessing was, and checks the file in onnxruntime.

    .venv/bin/python examples/melanoma/export.py --work DIR --recipe NAME --out examples/melanoma/model.onnx

Normalisations stay nodes of their own (the compiler folds them); the network reads pixels of 0…1, colours are its first
layer's business. Only the melanoma logit is written. The metadata says size and resize kernel of the input. Beside the file,
NAME.json says which recipe it is, its figures on the validation split, and the thresholds of the logit that were best there: the
test split is judged by these.
"""

import argparse
import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from dataset import KERNEL, Split, load_split
from networks import Classifier, Written, build, cost
from metrics import by_source, figures
from recipes import RECIPES
from train import BOOTSTRAP, SIZE, scores

OPSET = 17


def export(network: Classifier, recipe: str, file: Path) -> None:
    size = RECIPES[recipe].get("size", SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            Written(network, size),
            (torch.zeros(1, 3, size, size),),
            str(file),
            dynamo=False,
            # EVAL would fold a batch normalisation into the convolution before it.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["logit"],
            dynamic_axes={"image": {0: "batch"}, "logit": {0: "batch"}},
        )
    model = onnx.load(file)
    model.graph.name = "melanoma"
    onnx.helper.set_model_props(
        model,
        {
            "cipherloom.range.image": "0,1",
            "cipherloom.labels": "melanoma",
            "cipherloom.image.size": str(size),
            "cipherloom.image.resize": KERNEL,
            "cipherloom.recipe": recipe,
        },
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)
    print(f"{file}: {file.stat().st_size} bytes, opset {OPSET}, {' '.join(n.op_type for n in model.graph.node)}")


def check_file(file: Path, network: Classifier, images: np.ndarray) -> None:
    """The written file in onnxruntime against PyTorch, on the validation images."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    expected = scores(network, images)
    got = np.concatenate(
        [
            session.run(["logit"], {"image": images[at : at + 100].astype(np.float32) / np.float32(255)})[0][:, 0]
            for at in range(0, len(images), 100)
        ]
    )
    error = float(np.abs(got - expected).max())
    print(f"onnxruntime on {len(images)} validation images: |logit - PyTorch| at most {error:.1e}")
    if error > 1e-3:
        raise SystemExit(f"{file}: onnxruntime and PyTorch differ by {error:.1e} (limit 1e-3)")


def write_card(file: Path, recipe: str, network: Classifier, val: Split) -> None:
    """The thresholds and what they rest on, as JSON beside the model."""
    multiply_adds, activations, parameters = cost(network, RECIPES[recipe].get("size", SIZE))
    values = scores(network, val.images)
    card = {
        "recipe": recipe,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "multiplyAdds": multiply_adds,
        "activations": activations,
        "parameters": parameters,
        "validation": {
            **figures(values, val.melanoma, val.classes, BOOTSTRAP),
            "nevusAucBySource": by_source(values, val.melanoma, val.classes, val.source),
        },
    }
    file.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a trained network as ONNX.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--untrained", action="store_true", help="first weights, to ask the compiler for its estimate")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = build(RECIPES[options.recipe]).eval()
    size = RECIPES[options.recipe].get("size", SIZE)
    multiply_adds, activations, parameters = cost(network, size)
    print(f"{multiply_adds / 1e6:.2f} M multiply-adds, {activations} activations, {parameters} parameters")
    if options.untrained:
        export(network, options.recipe, options.out)
        return
    network.load_state_dict(torch.load(options.work / options.recipe / "final.pt", weights_only=True))
    export(network, options.recipe, options.out)
    val = load_split(options.work, "val", size)
    check_file(options.out, network, val.images)
    write_card(options.out, options.recipe, network, val)


if __name__ == "__main__":
    main()
