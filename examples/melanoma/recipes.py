"""What is tried, in the order in which tries.py trains it. A recipe never changes once it has run; a new try gets a new name.

One with a `start` begins with the weights of another. One marked `stopped` is not gone on with.
"""

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
# Views drawn once; the soft labels are those of a kernel machine (kernel_machine.py), from folds that did not see the image.
TAUGHT = {
    **BASE, "whiten": True, "views": 2, "colour": 0.2, "teacher": "covariances-10", "distil": 0.7,
    "decay": 0.02, "melanoma_share": 0.35, "penalty": 2e-4, "limit": 8.0, "average": 0.998,
}  # fmt: skip

TOLD = {**TAUGHT, "teacher": "dictionary-10", "rings": 4, "evenness": 0.0}

FOUR = "16k4s4 32k3s2 64k3s2 96k3s2"
LATE = "16k4s4 32k3s2 96k3s2 128k3s2"
FINE = "8k4s2 32k4s4 64k3s2 96k3s2"

RECIPES: dict[str, dict] = {
    # What the architecture gives without a teacher.
    "four": {**BASE, "note": "four strided convolutions, ranges held too tight", "layers": FOUR, "penalty": 0.02, "limit": 4.0},
    "four-free": {**BASE, "note": "four without the penalty on ranges", "layers": FOUR, "penalty": 0.0},
    # The first layer learned in whitened patches.
    "four-white": {**BASE, "note": "and the stem learned in whitened patches", "layers": FOUR, "whiten": True},
    "four-taught": {**TAUGHT, "note": "four-white, taught by the kernel machine", "layers": FOUR},
    # A short run for comparison: the dense layer knows where a lesion is.
    "rings": {
        **TAUGHT, "note": "four-taught, means over rings instead of one mean", "layers": FOUR, "rings": 4, "epochs": 8, "every": 4,
    },
    # A better teacher, and benign images as frequent as they are: most are nevi.
    "four-told": {**TOLD, "note": "rings, taught by the machine with dictionaries", "layers": FOUR},
    # More channels where a position sees much: the same as four-told after five epochs.
    "late-told": {
        **TOLD, "note": "wider behind the second convolution", "layers": LATE, "epochs": 36, "stopped": True,
    },
    # A ridge of 10 suited products; for dictionaries the folds of the training split ask for far less.
    "four-sharp": {
        **TOLD, "note": "four-told, gone on with under the machine at its own ridge", "layers": FOUR, "teacher": "dictionary-0.5",
        "start": "four-told", "epochs": 12, "every": 2, "rate": 1.5e-3,
    },
    # Three times as long, more views, labels count less; ISIC 2018 as much as its share of the melanomas to come.
    "four-long": {
        **TOLD, "note": "four-sharp, gone on with at a high rate: six views, ISIC 2018 twice as often", "layers": FOUR,
        "teacher": "dictionary-0.5", "start": "four-sharp", "epochs": 30, "every": 3, "rate": 3e-3, "views": 6, "distil": 0.85,
        "emphasis": {"isic2018t1-512": 2},
    },
    # What four-long says of six views of an image, averaged, joins the machine: a view is to give what all give.
    "four-steady": {
        **TOLD, "note": "four-long, gone on with under the machine and its own mean over views", "layers": FOUR,
        "teacher": "dictionary-0.5+four-long", "start": "four-long", "epochs": 24, "every": 3, "rate": 3e-3, "views": 6, "distil": 0.9,
        "emphasis": {"isic2018t1-512": 2},
    },
    # Two machines, one of them blind to quarter turns, judge together with four-long.
    "four-both": {
        **TOLD, "note": "four-steady, gone on with under two machines and four-long", "layers": FOUR,
        "teacher": "dictionary-0.5+turned-0.5+four-long", "start": "four-steady", "epochs": 20, "every": 2, "rate": 2e-3,
        "views": 6, "distil": 0.9, "emphasis": {"isic2018t1-512": 2},
    },
    # A machine whose zones follow the lesion is better where lesions are small or off the middle, as in ISIC 2018.
    "four-lesion": {
        **TOLD, "note": "four-both, gone on with under the machine that finds the lesion", "layers": FOUR,
        "teacher": "dictionary-0.5+lesion-0.5+four-long", "start": "four-both", "epochs": 12, "every": 2, "rate": 3e-3,
        "views": 6, "distil": 0.9, "emphasis": {"isic2018t1-512": 2},
    },
    # The same family for larger images: its teachers judge images, not pixels, and so need nothing new. Their view is the image alone.
    "four-224": {
        **TOLD, "note": "the shape at 224 × 224, begun with the weights of four-both", "layers": FOUR, "size": 224, "rings": 7,
        "teacher": "dictionary-0.5+turned-0.5+four-long", "start": "four-both", "epochs": 5, "every": 1, "rate": 3e-3,
        "views": 1, "distil": 0.9, "emphasis": {"isic2018t1-512": 2},
    },
    # It looks closer, with a stride of 2 first.
    "fine": {**BASE, "note": "stride 2 first: finer texture", "layers": FINE, "whiten": True, "stopped": True},
}


def teachers(recipe: dict) -> list[str]:
    """Kernel machines, FEATURES-RIDGE, and recipes that `teacher` names, joined by +."""
    return recipe["teacher"].split("+") if "teacher" in recipe else []
