#!/usr/bin/env python3
"""What a trained network says of the training images, to teach the next one.

    .venv/bin/python examples/melanoma/self_labels.py --work DIR --recipe NAME

DIR/NAME/soft.npy (float32 [n, 8]: logits of melanoma and of the classes) is the mean over the views that the recipe learned from:
it is steadier than what the network says of one view, and nearly free of the way up that an image has. The network has seen these
images with their labels, so it joins a kernel machine that judges out of fold (`teacher` of a recipe), and does not stand in for it.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from networks import Classifier, build
from recipes import RECIPES
from views import SIZE, load_views

CHUNK = 100


def said(network: Classifier, images: np.ndarray) -> torch.Tensor:
    with torch.inference_mode():
        parts = [
            torch.cat([logit[:, None], classes], 1)
            for at in range(0, len(images), CHUNK)
            for logit, classes in [network(torch.from_numpy(np.array(images[at : at + CHUNK])).float() / 255)]
        ]
    return torch.cat(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description="Soft labels by a trained network.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.process_time()
    folder, recipe = options.work / options.recipe, RECIPES[options.recipe]
    network = build(recipe).eval()
    network.load_state_dict(torch.load(folder / "final.pt", weights_only=True))
    views = load_views(options.work, recipe["views"], recipe.get("size", SIZE)).images
    np.save(folder / "soft.npy", torch.stack([said(network, images) for images in views]).mean(0).numpy())
    (folder / "seconds.json").write_text(json.dumps(time.process_time() - start))


if __name__ == "__main__":
    main()
