"""Figures of a score on a split: AUC and balanced accuracy, with bootstrap intervals."""

import numpy as np

NEVUS = 0  # index of CLASSES in dataset.py


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """The probability that a positive scores above a negative, ties counting half (Mann-Whitney)."""
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    p = int(positive.sum())
    n = len(positive) - p
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * n))


def balanced_accuracy(scores: np.ndarray, positive: np.ndarray, threshold: float) -> float:
    above = scores >= threshold
    return float((above[positive].mean() + (~above[~positive]).mean()) / 2)


def best_threshold(scores: np.ndarray, positive: np.ndarray) -> float:
    """The threshold of the largest balanced accuracy, half way to the next score below."""
    order = np.sort(np.unique(scores))
    candidates = np.concatenate([[order[0] - 1], (order[1:] + order[:-1]) / 2])
    hits = np.sort(scores[positive])
    misses = np.sort(scores[~positive])
    sensitivity = 1 - np.searchsorted(hits, candidates) / len(hits)
    specificity = np.searchsorted(misses, candidates) / len(misses)
    return float(candidates[np.argmax(sensitivity + specificity)])


def interval(figure, *arrays: np.ndarray, repeats: int = 1000, seed: int = 1) -> tuple[float, float]:
    """Percentile bootstrap, 95 %, resampling positives and negatives apart; the last array says which are which."""
    positive = arrays[-1]
    generator = np.random.default_rng(seed)
    parts = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    values = []
    for _ in range(repeats):
        chosen = np.concatenate([generator.choice(part, len(part)) for part in parts])
        values.append(figure(*(array[chosen] for array in arrays)))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def by_source(scores: np.ndarray, melanoma: np.ndarray, classes: np.ndarray, source: np.ndarray) -> dict[str, float]:
    """The AUC of melanoma against nevus within each image set."""
    rows = melanoma.astype(bool) | (classes == NEVUS)
    parts = {name: rows & (source == name) for name in np.unique(source).tolist()}
    return {name: auc(scores[part], melanoma[part].astype(bool)) for name, part in parts.items()}


def figures(scores: np.ndarray, melanoma: np.ndarray, classes: np.ndarray, repeats: int = 0) -> dict:
    """Melanoma against nevus and against everything; each with the threshold that is best for it."""
    positive = melanoma.astype(bool)
    result = {}
    for name, rows in {"nevus": positive | (classes == NEVUS), "all": np.ones_like(positive)}.items():
        s, p = scores[rows], positive[rows]
        threshold = best_threshold(s, p)
        result[name] = {"auc": auc(s, p), "ba": balanced_accuracy(s, p, threshold), "threshold": threshold}
        if repeats > 0:
            result[name]["auc_interval"] = interval(auc, s, p, repeats=repeats)
            result[name]["ba_interval"] = interval(
                lambda a, b, t=threshold: balanced_accuracy(a, b, t), s, p, repeats=repeats
            )
    return result
