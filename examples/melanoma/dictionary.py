"""Features of kernel_machine.py: how strongly the patches of each zone resemble those of a dictionary, at several scales.

Source  Coates, Lee and Ng, An analysis of single-layer networks in unsupervised feature learning, AISTATS 2011
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from layers import ZonePool
from lesion_zones import zone_means, zones_of
from whitening import NOISE

CHUNK = 64
ROUNDS = 6
SAMPLE = 40_000


@dataclass(frozen=True)
class Scale:
    """Patches of size × size pixels, `stride` apart, of images reduced by `reduction`; `words` of the dictionary.

    A word is found in `turns` quarter turns, and the mean of their strengths taken; with `lesion` also over zones that follow it.
    """

    reduction: int
    size: int
    stride: int
    words: int
    turns: int = 1
    lesion: bool = False


SCALES = (Scale(1, 4, 4, 192), Scale(2, 4, 2, 192), Scale(4, 5, 1, 160), Scale(8, 5, 1, 128), Scale(2, 6, 2, 192))
# A third of the words, each in four turns that count as one: a lesion has no upper side.
TURNED_SCALES = tuple(replace(scale, words=scale.words // 3, turns=4) for scale in SCALES)

# Larger patches tell a lesion from its rim, wherever it lies.
LESION_SCALES = tuple(
    replace(scale, lesion=scale.size > 4) for scale in (*TURNED_SCALES, Scale(4, 7, 1, 64, turns=4))
)


def reduced_by(images: np.ndarray, reduction: int) -> torch.Tensor:
    return functional.avg_pool2d(torch.from_numpy(np.array(images)).float() / 255, reduction)


def spherical_means(whitened: torch.Tensor, words: int, generator: torch.Generator) -> torch.Tensor:
    """Unit vectors [words, values], each the mean of the patches nearest to it or its negative."""
    vivid = whitened[whitened.norm(dim=1) > whitened.norm(dim=1).median() / 2]
    means = functional.normalize(vivid[torch.randperm(len(vivid), generator=generator)[:words]], dim=1)
    sample = whitened[torch.randperm(len(whitened), generator=generator)[:SAMPLE]]
    for _ in range(ROUNDS):
        products = sample @ means.T
        nearest = products.abs().argmax(1)
        signs = products.gather(1, nearest[:, None]).sign()
        means = functional.normalize(torch.zeros_like(means).index_add_(0, nearest, sample * signs) + 1e-6 * means, dim=1)
    return means


class Dictionary:
    """Words at one scale, learned from whitened patches; a word and its negative count apart."""

    def __init__(self, images: np.ndarray, scale: Scale):
        self.scale = scale
        pixels = torch.cat([part.rot90(turn, (2, 3)) for turn, part in self.parts(reduced_by(images, scale.reduction))])
        patches = functional.unfold(pixels, scale.size, stride=scale.stride).transpose(1, 2)
        self.zones = ZonePool(round(patches.shape[1] ** 0.5)).means
        flat = patches.flatten(0, 1)
        values, vectors = torch.linalg.eigh(torch.cov(flat.T))
        whitening = (vectors * (values.clamp(min=0) + NOISE).rsqrt()) @ vectors.T
        whitened = (flat - flat.mean(0)) @ whitening
        words = spherical_means(whitened, scale.words, torch.Generator().manual_seed(0))
        directions = whitening @ words.T
        threshold = 0.7 * (whitened @ words.T).std(0)
        kernels = torch.cat([directions, -directions], 1).T.reshape(-1, 3, scale.size, scale.size)
        turned = torch.cat([kernels.rot90(turn, (2, 3)) for turn in range(scale.turns)])
        self.kernels = turned.contiguous(memory_format=torch.channels_last)
        self.bias = -(turned.flatten(1) @ flat.mean(0)) - threshold.repeat(2 * scale.turns)

    def parts(self, images: torch.Tensor):
        """Images by the turn in which the dictionary learns from them."""
        return ((turn, images[turn :: self.scale.turns]) for turn in range(self.scale.turns))

    def statistics(self, images: np.ndarray) -> list[torch.Tensor]:
        """Means over fixed zones, and over those that follow the lesion where the scale asks for them."""
        lesions = zones_of(images) if self.scale.lesion else None
        parts: list[list[torch.Tensor]] = [[], []]
        for at in range(0, len(images), CHUNK):
            pixels = reduced_by(images[at : at + CHUNK], self.scale.reduction).contiguous(memory_format=torch.channels_last)
            found = functional.conv2d(pixels, self.kernels, self.bias, self.scale.stride).relu_()
            side = found.shape[-1]
            strengths = found.permute(0, 2, 3, 1).unflatten(3, (self.scale.turns, -1)).mean(3).flatten(1, 2)
            parts[0].append((self.zones @ strengths).flatten(1))
            if lesions is not None:
                parts[1].append((zone_means(lesions[at : at + CHUNK], side) @ strengths).flatten(1))
        return [torch.cat(part) for part in parts if part]


def dictionary(
    train: np.ndarray, val: np.ndarray, scales: tuple[Scale, ...] = SCALES
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    words = [Dictionary(train[::30], scale) for scale in scales]
    return [pair for each in words for pair in zip(each.statistics(train), each.statistics(val))]


def turned_dictionary(train: np.ndarray, val: np.ndarray) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return dictionary(train, val, TURNED_SCALES)


def lesion_dictionary(train: np.ndarray, val: np.ndarray) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return dictionary(train, val, LESION_SCALES)
