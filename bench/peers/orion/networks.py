#!/usr/bin/env python3
"""Times of Orion v2 on the shapes of our examples: one JSON line a network, in microseconds of processor time.

    bench [mlp] [lola] [lenet] [melanoma]

Without a name those of examples/mnist; that of examples/melanoma needs more than 24 GB of memory.

Parameters are those that Orion v2's own examples name for these networks. The weights are random: times do not depend on
them. One run is one evaluation, from the bytes of a ciphertext to those of the result, with model and keys loaded before.
"""

import argparse
import importlib.metadata
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import orion_compiler.nn as on
import torch
from lattigo.ckks import Encoder, Parameters
from lattigo.rlwe import Ciphertext, Decryptor, Encryptor, KeyGenerator, MemEvaluationKeySet
from orion_compiler import CKKSParams, Compiler
from orion_evaluator import Evaluator, Model

RUNS = 21
WARM_UPS = 2
#: Of the largest output: beyond it the evaluation is wrong, and its time means nothing.
TOLERANCE = 0.05


class Sequence(on.Module):
    """Layers one after another, under names that Orion's tracer can follow."""

    def __init__(self, *layers):
        super().__init__()
        self.names = [f"layer{k}" for k in range(len(layers))]
        for name, layer in zip(self.names, layers, strict=True):
            setattr(self, name, layer)

    def forward(self, x):
        for name in self.names:
            x = getattr(self, name)(x)
        return x


def mlp() -> Sequence:
    return Sequence(
        on.Flatten(),
        on.Linear(784, 128), on.BatchNorm1d(128), on.Quad(),
        on.Linear(128, 128), on.BatchNorm1d(128), on.Quad(),
        on.Linear(128, 10),
    )  # fmt: skip


def lola() -> Sequence:
    return Sequence(
        on.Conv2d(1, 5, kernel_size=2, padding=0, stride=2), on.BatchNorm2d(5), on.Quad(), on.Flatten(),
        on.Linear(980, 100), on.BatchNorm1d(100), on.Quad(),
        on.Linear(100, 10),
    )  # fmt: skip


def lenet() -> Sequence:
    return Sequence(
        on.Conv2d(1, 32, kernel_size=5, padding=2, stride=2), on.BatchNorm2d(32), on.Quad(),
        on.Conv2d(32, 64, kernel_size=5, padding=2, stride=2), on.BatchNorm2d(64), on.Quad(), on.Flatten(),
        on.Linear(3136, 512), on.BatchNorm1d(512), on.Quad(),
        on.Linear(512, 10),
    )  # fmt: skip


def melanoma() -> Sequence:
    layers = [on.Conv2d(3, 16, kernel_size=4, stride=4), on.BatchNorm2d(16), on.Quad()]
    for channels, wider in [(16, 32), (32, 64), (64, 96)]:
        layers += [on.Conv2d(channels, wider, kernel_size=3, padding=1, stride=2), on.BatchNorm2d(wider), on.Quad()]
    return Sequence(*layers, on.Flatten(), on.Linear(96 * 4 * 4, 1))


@dataclass(frozen=True)
class Case:
    build: object
    logn: int
    levels: int
    shape: tuple = (1, 28, 28)
    runs: int = RUNS


CASES = {
    "mlp": Case(mlp, 13, 5),
    "lola": Case(lola, 13, 5),
    "lenet": Case(lenet, 14, 7),
    "melanoma": Case(melanoma, 16, 9, (3, 128, 128), 3),
}
SMALL = ["mlp", "lola", "lenet"]


STARTED_AT = time.monotonic()


def progress(name: str, what: str) -> None:
    print(f"{name}: {what} ({time.monotonic() - STARTED_AT:.0f} s)", file=sys.stderr, flush=True)


def compile_network(network: on.Module, parameters: CKKSParams, image: torch.Tensor) -> bytes:
    compiler = Compiler(network, parameters)
    compiler.fit(image)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.orion"
        compiler.compile_to_file(path)
        return path.read_bytes()


def measure(name: str, case: Case) -> dict:
    torch.manual_seed(1)
    network = case.build()
    network.eval()
    image = torch.rand(1, *case.shape)
    with torch.no_grad():
        expected = network(image).flatten().tolist()
    parameters = CKKSParams(
        logn=case.logn,
        logq=[29] + [26] * case.levels,
        logp=[29, 29],
        log_default_scale=26,
        ring_type="conjugate_invariant",
    )
    progress(name, "compiling")
    compiled = compile_network(network, parameters, image)
    progress(name, f"loading {len(compiled)} bytes")
    model = Model.load(compiled)
    del compiled
    progress(name, "making keys")
    client, manifest, level = model.client_params()
    crypto = Parameters.from_dict(client)
    generator = KeyGenerator(crypto)
    secret = generator.gen_secret_key()
    relinearisation = generator.gen_relin_key(secret) if manifest["needs_rlk"] else None
    rotations = [generator.gen_galois_key(secret, int(element)) for element in manifest["galois_elements"]]
    keys = MemEvaluationKeySet(rlk=relinearisation, galois_keys=rotations).marshal_binary()
    key_bytes, rotation_keys = len(keys), len(rotations)
    evaluator = Evaluator(client, keys)
    del keys, rotations, relinearisation

    encoder = Encoder(crypto)
    pixels = image.flatten().double().tolist()
    slots = crypto.max_slots()
    plain = encoder.encode(pixels + [0.0] * (slots - len(pixels)), level, crypto.default_scale())
    request = Encryptor(crypto, generator.gen_public_key(secret)).encrypt_new(plain).marshal_binary()

    times = []
    response = b""
    for run in range(WARM_UPS + case.runs):
        progress(name, "evaluating")
        start = time.process_time()
        response = evaluator.forward(model, [request])[0]
        if run >= WARM_UPS:
            times.append((time.process_time() - start) * 1e6)

    decryptor = Decryptor(crypto, secret)
    got = encoder.decode(decryptor.decrypt_new(Ciphertext.unmarshal_binary(response)), slots)
    error = max(abs(want - value) for want, value in zip(expected, got, strict=False))
    if not error <= TOLERANCE * max(map(abs, expected)):
        raise SystemExit(f"{name}: an output is off by {error}")
    return {
        "library": "Orion v2",
        "version": importlib.metadata.version("orion-v2-evaluator"),
        "network": name,
        "operation": "evaluate",
        "median": round(statistics.median(times)),
        "min": round(min(times)),
        "runs": case.runs,
        "ringDegree": 2**case.logn,
        "logQP": 29 + 26 * case.levels + 58,
        "keyBytes": key_bytes,
        "rotationKeys": rotation_keys,
        "note": "conjugate-invariant ring",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="*", choices=[*CASES, []], help=f"{' and '.join(SMALL)} unless named")
    for name in parser.parse_args().network or SMALL:
        print(json.dumps(measure(name, CASES[name])), flush=True)


if __name__ == "__main__":
    main()
