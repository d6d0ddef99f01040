"""What is tried, in the order in which tries.py trains it. A recipe never changes once it has run; a new try gets a new name."""

BASE = {
    "epochs": 40,
    "batch": 64,
    "rate": 3e-3,
    "decay": 0.03,
    "augment": 1.0,
    "melanoma_share": 0.4,
    # Of the square by which inputs of activations exceed the limit. Forty times as much (`four`) all but stops the learning.
    "penalty": 5e-4,
    "limit": 6.0,
}
STUDENT = {**BASE, "network": "student"}
MILD = {"augment": 0.4, "colour": 0.2, "epochs": 60, "average": 0.998}
TEACHER = {**BASE, "network": "teacher", "rate": 2e-3, "decay": 0.05, "every": 2, "augment": 0.7, "colour": 0.3}
# What a pool costs is the student alone, so that many epochs are cheap.
TAUGHT = {**STUDENT, "whiten": True, "pool": "pool", "epochs": 150, "every": 10}

FOUR = "16k4s4 32k3s2 64k3s2 96k3s2"
THREE = "16k4s4 32k5s2 80k3s2"
# Sixteen filters keep a third of the 48 values of a 4×4 patch; these two look closer.
STEM32 = "32k4s4 32k2s2 64k3s2 96k2s2"
FINE = "8k4s2 32k4s4 64k3s2 96k3s2"

RECIPES: dict[str, dict] = {
    # What the architecture gives without a teacher.
    "four": {**STUDENT, "note": "four strided convolutions, ranges held too tight", "layers": FOUR, "penalty": 0.02, "limit": 4.0},
    "four-free": {**STUDENT, "note": "four without the penalty on ranges", "layers": FOUR, "penalty": 0.0},
    # The first layer learned in whitened patches; four-white shows what that gives.
    "four-white": {**STUDENT, "note": "and the stem learned in whitened patches", "layers": FOUR, "whiten": True},
    # Milder augmentation, since nothing above fits its training images; then two ways to more, wide and shallow or a teacher.
    "gathered": {
        **STUDENT, "network": "gathered", "note": "means over zones at three scales, hidden layer",
        "branches": ["24k4s4 48k3s2", "16k8s8"], "hidden": 64, "dropout": 0.2, **MILD,
    },
    # Means need no dense positions: fewer of them, with more filters each. Five levels.
    "sampled": {
        **STUDENT, "network": "gathered", "note": "patches sampled at two scales, no second convolution",
        "branches": ["64k4s8", "64k8s8"], "hidden": 128, "dropout": 0.2, **MILD,
    },
    "three-mild": {**STUDENT, "note": "three convolutions, seven levels", "layers": THREE, "rings": 8, "whiten": True, **MILD},
    "four-mild": {**STUDENT, "note": "four-white, milder augmentation", "layers": FOUR, "whiten": True, **MILD},
    # Larger ReLU networks, for distillation: not for encryption.
    "teacher": {**TEACHER, "note": "ReLU, residual", "width": 12},
    "teacher-2": {**TEACHER, "note": "teacher, another seed", "width": 12, "seed": 2},
    # Students of both: seven levels, then nine.
    "gathered-taught": {
        **TAUGHT, "network": "gathered", "note": "gathered, taught",
        "branches": ["24k4s4 48k3s2", "16k8s8"], "hidden": 64, "dropout": 0.1,
    },
    "sampled-taught": {
        **TAUGHT, "network": "gathered", "note": "sampled, taught",
        "branches": ["64k4s8", "64k8s8"], "hidden": 128, "dropout": 0.1,
    },
    "three-taught": {**TAUGHT, "note": "three convolutions, taught", "layers": THREE, "rings": 8},
    "four-rings": {**TAUGHT, "note": "four, taught; the dense layer knows the distance from the middle", "layers": FOUR, "rings": 4},
    "four-relu": {**TAUGHT, "note": "four with ReLU, taught: what the polynomials cost", "layers": FOUR, "activation": "relu"},
    "patches": {**TAUGHT, "note": "8×8 stem: few rotations", "layers": "32k8s8 64k3s2 128k3s2", "rings": 4},
    "stem32-taught": {**TAUGHT, "note": "stem32, taught", "layers": STEM32, "rings": 4},
    "wide": {**TAUGHT, "note": "over the budget: what width gives", "layers": "24k4s4 48k3s2 96k3s2 128k3s2", "rings": 4},
    # Without a teacher again: both look closer.
    "fine": {**STUDENT, "note": "stride 2 first: finer texture", "layers": FINE, "whiten": True},
    "stem32": {**STUDENT, "note": "twice the filters in the stem, 2×2 kernels behind it", "layers": STEM32, "whiten": True},
}  # fmt: skip

# Augmented views with the logits of teachers (views.py); a recipe names the pool that it learns from.
POOLS: dict[str, dict] = {
    "pool": {"teachers": ["teacher", "teacher-2"], "views": 8, "augment": 0.6, "colour": 0.3},
}
