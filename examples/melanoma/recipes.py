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
TEACHER = {**BASE, "network": "teacher", "rate": 2e-3, "decay": 0.05, "every": 2}
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
    # The first layer learned in whitened patches; four-white shows what that gives, the others look closer as well.
    "four-white": {**STUDENT, "note": "and the stem learned in whitened patches", "layers": FOUR, "whiten": True},
    "fine": {**STUDENT, "note": "stride 2 first: finer texture", "layers": FINE, "whiten": True},
    "stem32": {**STUDENT, "note": "twice the filters in the stem, 2×2 kernels behind it", "layers": STEM32, "whiten": True},
    # A larger ReLU network, for distillation.
    "teacher": {**TEACHER, "note": "ReLU, residual, 189 M: not for encryption"},
    # The same student taught, and what each change to it gives.
    "four-taught": {**TAUGHT, "note": "four, taught by teacher", "layers": FOUR},
    "four-rings": {**TAUGHT, "note": "and the dense layer knows the distance from the middle", "layers": FOUR, "rings": 4},
    "four-relu": {**TAUGHT, "note": "four-taught with ReLU: what the polynomials cost", "layers": FOUR, "activation": "relu"},
    "four-turning": {
        **TAUGHT, "note": "kernels shared over rotations", "layers": "16k4s4 32k4s2 48k4s2 64k2s2",
        "symmetry": 4, "rings": 4, "whiten": False,
    },
    "three-taught": {**TAUGHT, "note": "three convolutions, two levels fewer", "layers": THREE, "rings": 8},
    "patches": {**TAUGHT, "note": "8×8 stem: few rotations", "layers": "32k8s8 64k3s2 128k3s2", "rings": 4},
    "fine-taught": {**TAUGHT, "note": "fine, taught", "layers": FINE, "rings": 4},
    "stem32-taught": {**TAUGHT, "note": "stem32, taught", "layers": STEM32, "rings": 4},
    "wide": {**TAUGHT, "note": "over the budget: what width gives", "layers": "24k4s4 48k3s2 96k3s2 128k3s2", "rings": 4},
}  # fmt: skip

# Augmented views with the logits of teachers (views.py); a recipe names the pool that it learns from.
POOLS: dict[str, dict] = {
    "pool": {"teachers": ["teacher"], "views": 12, "augment": 0.7},
}
