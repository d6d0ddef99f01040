"""The networks of train.py: small polynomial ones for encrypted inference.

They end in one melanoma logit; in training a second head tells the classes of the data set apart, which gives the features
more to learn from than one bit an image. It is dropped when the network is written.
"""

from collections import OrderedDict

import torch
from torch import nn

from layers import ACTIVATIONS, Quadratic, RingPool, parse_layers
from whitening import WhitenedConv

AUXILIARY_CLASSES = 7


class Classifier(nn.Module):
    """Features, pool, and the two heads; `forward` gives the melanoma logit and the classes' logits.

    `rings` is the size of the features' map where the pool keeps its rings apart, 0 for the average over all positions.
    """

    def __init__(self, features: nn.Module, channels: int, dropout: float, rings: int = 0):
        super().__init__()
        self.features = features
        self.pool: nn.Module = RingPool(rings) if rings > 0 else nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        inputs = channels * (len(self.pool.means) if rings > 0 else 1)
        self.dense = nn.Linear(inputs, 1)
        self.classes = nn.Linear(inputs, AUXILIARY_CLASSES)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pooled = self.dropout(self.pool(self.features(x)).flatten(1))
        return self.dense(pooled)[:, 0], self.classes(pooled)


def student(
    layers: str, dropout: float = 0.0, activation: str = "quadratic", rings: int = 0, whiten: bool = False
) -> Classifier:
    """`whiten` learns the first layer in whitened patches (whitening.py)."""
    chain: list[tuple[str, nn.Module]] = []
    channels = 3
    for i, layer in enumerate(parse_layers(layers), 1):
        outputs, shape = layer.channels, (layer.kernel, layer.stride, layer.padding)
        whitened = whiten and i == 1
        conv: nn.Module = WhitenedConv(3, outputs, *shape) if whitened else nn.Conv2d(channels, outputs, *shape, bias=False)
        act = Quadratic(outputs) if activation == "quadratic" else nn.ReLU()
        chain += [(f"conv{i}", conv), (f"norm{i}", nn.BatchNorm2d(outputs)), (f"act{i}", act)]
        channels = outputs
    return Classifier(nn.Sequential(OrderedDict(chain)), channels, dropout, rings)


class Written(nn.Module):
    """A `Classifier` by ordinary layers with the melanoma logit alone, their names those of the ONNX nodes."""

    def __init__(self, network: Classifier, size: int):
        super().__init__()
        for name, layer in network.features.named_children():
            self.add_module(name, layer.plain() if isinstance(layer, WhitenedConv) else layer)
        weights = network.dense.weight.detach()
        if isinstance(network.pool, RingPool):
            weights = weights.view(-1, len(network.pool.means)) @ network.pool.means
        else:
            with torch.inference_mode():
                self.pool = nn.AvgPool2d(network.features(torch.zeros(1, 3, size, size)).shape[-1])
        weights = weights.flatten()
        self.dense = nn.Linear(len(weights), 1)
        self.dense.weight.data.copy_(weights)
        self.dense.bias.data.copy_(network.dense.bias)
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name, layer in self.named_children():
            x = layer(x.flatten(1) if name == "dense" else x)
        return x


def build(recipe: dict) -> Classifier:
    options = {name: recipe[name] for name in ("dropout", "activation", "rings", "whiten") if name in recipe}
    return student(recipe["layers"], **options)


def cost(network: Classifier, size: int) -> tuple[int, int, int]:
    """Multiply-adds, activations and parameters of one image (the auxiliary head apart)."""
    multiply_adds = activations = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal multiply_adds, activations
        if isinstance(module, (nn.Conv2d, WhitenedConv)):
            weights = module.weight if isinstance(module, nn.Conv2d) else module.kernels()
            multiply_adds += output[0].numel() * weights[0].numel()
        elif isinstance(module, nn.Linear) and module is not network.classes:
            multiply_adds += module.weight.numel()
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
    return multiply_adds, activations, parameters
