"""What is tried, in the order in which tries.py trains it. A recipe never changes once it has run; a new try gets a new name."""

BASE = {
    "epochs": 40,
    "batch": 64,
    "rate": 3e-3,
    "decay": 0.03,
    "augment": 1.0,
    "melanoma_share": 0.4,
}

STUDENT = {**BASE, "network": "student"}
FOUR = "16k4s4 32k3s2 64k3s2 96k3s2"

RECIPES: dict[str, dict] = {
    # What the architecture gives without a teacher.
    "four": {**STUDENT, "note": "four strided convolutions", "layers": FOUR},
    "three": {**STUDENT, "note": "three, two levels fewer", "layers": "16k4s4 32k5s2 80k3s2"},
    # A larger ReLU network, for distillation.
    "teacher": {**BASE, "note": "ReLU, residual, not for encryption", "network": "teacher", "epochs": 50, "rate": 2e-3, "decay": 0.05, "every": 2},
}
