"""The networks of train.py: small polynomial ones for encrypted inference, and a larger ReLU teacher.

Both end in one melanoma logit; in training a second head tells the classes of the data set apart, which gives the features
more to learn from than one bit an image. It is dropped when the network is written.
"""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn

AUXILIARY_CLASSES = 7


class Quadratic(nn.Module):
    """a·x² + b·x with coefficients of each channel's own, as Mul and Add nodes."""

    def __init__(self, channels: int):
        super().__init__()
        self.a = nn.Parameter(torch.full((1, channels, 1, 1), 0.2))
        self.b = nn.Parameter(torch.full((1, channels, 1, 1), 0.7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * (x * self.a + self.b)


ACTIVATIONS = (Quadratic,)


@dataclass(frozen=True)
class Layer:
    """A convolution followed by batch normalisation and an activation."""

    channels: int
    kernel: int
    stride: int

    @property
    def padding(self) -> int:
        # As little as keeps size / stride positions.
        return max(0, (self.kernel - self.stride + 1) // 2)


def parse_layers(text: str) -> list[Layer]:
    """`16k4s4 32k3s2`: channels, kernel, stride of each layer."""
    layers = []
    for part in text.split():
        channels, rest = part.split("k")
        kernel, stride = rest.split("s")
        layers.append(Layer(int(channels), int(kernel), int(stride)))
    return layers


class Features(nn.Sequential):
    """Layers of a chain, named as the ONNX nodes shall be."""


class Classifier(nn.Module):
    """Features, average pool, and the two heads; `forward` gives the melanoma logit and the classes' logits."""

    def __init__(self, features: nn.Module, channels: int, dropout: float):
        super().__init__()
        self.features = features
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(channels, 1)
        self.classes = nn.Linear(channels, AUXILIARY_CLASSES)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pooled = self.dropout(self.pool(self.features(x)).flatten(1))
        return self.dense(pooled)[:, 0], self.classes(pooled)


def student(layers: str, dropout: float = 0.0, activation: str = "quadratic") -> Classifier:
    chain: list[tuple[str, nn.Module]] = []
    channels = 3
    for i, layer in enumerate(parse_layers(layers), 1):
        conv = nn.Conv2d(channels, layer.channels, layer.kernel, layer.stride, layer.padding, bias=False)
        act = Quadratic(layer.channels) if activation == "quadratic" else nn.ReLU()
        chain += [(f"conv{i}", conv), (f"norm{i}", nn.BatchNorm2d(layer.channels)), (f"act{i}", act)]
        channels = layer.channels
    return Classifier(Features(OrderedDict(chain)), channels, dropout)


class Residual(nn.Module):
    """Two 3×3 convolutions with a gate over channels, beside the identity or a strided 1×1 convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(outputs, outputs // 4, 1), nn.ReLU(inplace=True),
            nn.Conv2d(outputs // 4, outputs, 1), nn.Sigmoid(),
        )  # fmt: skip
        self.side = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.side = nn.Sequential(
                nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
                nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs),
            )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.body(x)
        return torch.relu(y * self.gate(y) + self.side(x))


def teacher(width: int = 24, dropout: float = 0.3) -> Classifier:
    features = nn.Sequential(
        nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
        Residual(width, 2 * width, 2),
        Residual(2 * width, 4 * width, 2), Residual(4 * width, 4 * width, 1),
        Residual(4 * width, 8 * width, 2), Residual(8 * width, 8 * width, 1),
    )  # fmt: skip
    return Classifier(features, 8 * width, dropout)


def build(recipe: dict) -> Classifier:
    if recipe["network"] == "teacher":
        return teacher(recipe.get("width", 24), recipe.get("dropout", 0.3))
    return student(recipe["layers"], recipe.get("dropout", 0.0), recipe.get("activation", "quadratic"))


def cost(network: Classifier, size: int) -> tuple[int, int, int]:
    """Multiply-adds, activations and parameters of one image (the auxiliary head apart)."""
    multiply_adds = activations = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal multiply_adds, activations
        if isinstance(module, nn.Conv2d):
            weights = module.weight
            multiply_adds += output[0].numel() * weights[0].numel()
        elif isinstance(module, (*ACTIVATIONS, nn.ReLU)):
            activations += output[0].numel()

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    training = network.training
    network.eval()
    with torch.inference_mode():
        network(torch.zeros(1, 3, size, size))
    network.train(training)
    for hook in hooks:
        hook.remove()
    parameters = sum(p.numel() for name, p in network.named_parameters() if not name.startswith("classes"))
    return multiply_adds + network.dense.in_features, activations, parameters
