"""Runs every module of a folder on its inputs, one image and three; `run_modules.py FOLDER`.

FOLDER/NAME.py and NAME.npz are a module, NAME.inputs.npz its inputs in order, each [3, ...]. Writes the outputs of all three
images to NAME.outputs.npz, [3, ...], and the module as ONNX to NAME.onnx.
"""

import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

warnings.simplefilter("ignore")
torch.set_num_threads(1)

for file in sorted(Path(sys.argv[1]).glob("*.py")):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.Network().eval()
    inputs = [torch.from_numpy(value).float() for value in np.load(file.with_suffix(".inputs.npz")).values()]
    batched = "images" in module.__doc__.split("takes")[1]

    def run(parts):
        with torch.no_grad():
            outputs = network(*parts)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    single = [run([x[k] for x in inputs]) for k in range(3)]
    outputs = [torch.stack(values) for values in zip(*single)]
    if batched:
        # Each image has a leading axis of its own, which is that of the images.
        together = run([x.flatten(0, 1) for x in inputs])
        for many, one in zip(together, outputs):
            assert torch.allclose(many, one.flatten(0, 1), rtol=1e-4, atol=1e-5), file
    # Of one step, all that is trainable gets a gradient.
    loss = sum(y.square().sum() for y in network.train()(*[x[0] for x in inputs])) if len(outputs) > 1 else network.train()(*[x[0] for x in inputs]).square().sum()
    if loss.requires_grad:
        (loss + module.range_penalty(network)).backward()
    np.savez(file.with_suffix(".outputs.npz"), *[value.numpy() for value in outputs])
    module.export_onnx(network, file.with_suffix(".onnx"))
