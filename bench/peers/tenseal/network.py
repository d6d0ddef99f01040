#!/usr/bin/env python3
"""Time of TenSEAL on the CNN of its own tutorial: one JSON line, in microseconds of processor time.

Network, parameters and operations are those of the tutorial "Encrypted Convolution on MNIST" (OpenMined/TenSEAL,
tutorials/Tutorial 4); the client unrolls the image (im2col) before it encrypts. The weights are random: times do not
depend on them. One run is one evaluation, from the bytes of a ciphertext to those of the result, with keys loaded before.
"""

import importlib.metadata
import json
import math
import statistics
import sys
import time

import numpy as np
import tenseal as ts

RUNS = 9
WARM_UPS = 2
#: Of the largest output: beyond it the evaluation is wrong, and its time means nothing. The tutorial's scale of 2^26
#: leaves errors of some 5 %, in one run a little less and in another a little more.
TOLERANCE = 0.1
SIDE, KERNEL, STRIDE, CHANNELS, HIDDEN, CLASSES = 28, 7, 3, 4, 64, 10
PRIME_BITS = [31, 26, 26, 26, 26, 26, 26, 31]
DEGREE = 8192


def weights(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.normal(0, 2 / math.sqrt(math.prod(shape[:-1]) or 1), shape)


def main() -> None:
    random = np.random.default_rng(1)
    side = (SIDE - KERNEL) // STRIDE + 1
    kernels, conv_bias = weights(random, KERNEL * KERNEL, CHANNELS).T, random.normal(0, 0.1, CHANNELS)
    first, first_bias = weights(random, CHANNELS * side * side, HIDDEN), random.normal(0, 0.1, HIDDEN)
    second, second_bias = weights(random, HIDDEN, CLASSES), random.normal(0, 0.1, CLASSES)
    image = random.random((SIDE, SIDE))

    windows = np.array(
        [
            image[y : y + KERNEL, x : x + KERNEL].ravel()
            for y in range(0, SIDE - KERNEL + 1, STRIDE)
            for x in range(0, SIDE - KERNEL + 1, STRIDE)
        ]
    )
    hidden = ((windows @ kernels.T + conv_bias).T.ravel() ** 2 @ first + first_bias) ** 2
    expected = hidden @ second + second_bias

    context = ts.context(ts.SCHEME_TYPE.CKKS, DEGREE, coeff_mod_bit_sizes=PRIME_BITS, n_threads=1)
    context.global_scale = 2**26
    context.generate_galois_keys()
    secret = context.secret_key()
    x, count = ts.im2col_encoding(context, image.tolist(), KERNEL, KERNEL, STRIDE)
    request = x.serialize()
    shaped = [kernel.reshape(KERNEL, KERNEL).tolist() for kernel in kernels]
    biases = conv_bias.tolist(), first_bias.tolist(), second_bias.tolist()
    matrices = first.tolist(), second.tolist()

    times = []
    response = b""
    for run in range(WARM_UPS + RUNS):
        print(f"tenseal: evaluating {run + 1} of {WARM_UPS + RUNS}", file=sys.stderr, flush=True)
        start = time.process_time()
        x = ts.ckks_vector_from(context, request)
        y = ts.CKKSVector.pack_vectors(
            [x.conv2d_im2col(kernel, count) + bias for kernel, bias in zip(shaped, biases[0], strict=True)]
        )
        y.square_()
        y = y.mm(matrices[0]) + biases[1]
        y.square_()
        y = y.mm(matrices[1]) + biases[2]
        response = y.serialize()
        if run >= WARM_UPS:
            times.append((time.process_time() - start) * 1e6)

    got = np.array(ts.ckks_vector_from(context, response).decrypt(secret))
    error = float(np.abs(got - expected).max())
    if not error <= TOLERANCE * float(np.abs(expected).max()):
        raise SystemExit(f"tenseal: an output is off by {error}")
    line = {
        "library": "TenSEAL",
        "version": importlib.metadata.version("tenseal"),
        "network": "tenseal",
        "operation": "evaluate",
        "median": round(statistics.median(times)),
        "min": round(min(times)),
        "runs": RUNS,
        "ringDegree": DEGREE,
        "logQP": sum(PRIME_BITS),
        "keyBytes": len(context.serialize(save_secret_key=False)),
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
