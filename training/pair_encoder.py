"""The pair encoder: a before/after pair -> the tokens of an instruction, in one forward pass.

A convolutional network over (before, after - before). Each stage returns the mean and deviation of its channels over the
image, which works for any size and discards the position of features. ``engine/networks/pair-encoder.ts`` computes the
same; ``export.py`` writes the weights under these names.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONFIG = {
    "_class_name": "PairEncoder", "in_channels": 3, "patch_size": 2, "block_out_channels": (32, 64, 128, 192),
    "layers_per_block": (1, 1, 2, 2), "hidden_size": 512, "num_tokens": 16, "cross_attention_dim": 128,
}


class Block(nn.Module):
    """x + conv2(silu(conv1(x)))"""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(x)))


class Stage(nn.Module):
    def __init__(self, inputs: int | None, channels: int, layers: int):
        super().__init__()
        if inputs:
            self.downsample = nn.Conv2d(inputs, channels, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(Block(channels) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        x = self.downsample(x) if hasattr(self, "downsample") else x
        for block in self.blocks:
            x = block(x)
        return x


class PairEncoder(nn.Module):
    def __init__(self, **config):
        super().__init__()
        self.config = {**CONFIG, **config}
        c = self.config
        channels = c["block_out_channels"]
        self.conv_in = nn.Conv2d(2 * c["in_channels"] * c["patch_size"] ** 2, channels[0], 3, padding=1)
        self.stages = nn.ModuleList(
            Stage(channels[i - 1] if i else None, width, layers)
            for i, (width, layers) in enumerate(zip(channels, c["layers_per_block"])))
        self.fc1 = nn.Linear(2 * sum(channels), c["hidden_size"])
        self.fc2 = nn.Linear(c["hidden_size"], c["hidden_size"])
        self.fc_out = nn.Linear(c["hidden_size"], c["num_tokens"] * c["cross_attention_dim"])
        self.norm = nn.LayerNorm(c["cross_attention_dim"], eps=1e-5)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in [-1, 1] -> tokens [N, num_tokens, cross_attention_dim]. Sides: multiples of patch_size."""
        x = self.conv_in(F.pixel_unshuffle(torch.cat([before, after - before], 1), self.config["patch_size"]))
        seen = []
        for stage in self.stages:
            x = stage(x)
            variance, mean = torch.var_mean(x, (2, 3), correction=0)
            seen += [mean, (variance + 1e-5).sqrt()]
        y = self.fc_out(F.silu(self.fc2(F.silu(self.fc1(torch.cat(seen, 1))))))
        return self.norm(y.view(len(y), self.config["num_tokens"], -1))


class ParameterEncoder(nn.Module):
    """A look's parameters -> the target tokens of the pair encoder. Used only in training: the UNet learns the meaning of
    tokens from exact ones, and the pair encoder learns to produce them."""

    def __init__(self, parameters: int, num_tokens: int, cross_attention_dim: int, hidden: int = 512):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(parameters, hidden), nn.Linear(hidden, hidden)
        self.fc_out = nn.Linear(hidden, num_tokens * cross_attention_dim)
        self.norm = nn.LayerNorm(cross_attention_dim, eps=1e-5)

    def forward(self, parameters: Tensor) -> Tensor:
        y = self.fc_out(F.silu(self.fc2(F.silu(self.fc1(parameters)))))
        return self.norm(y.view(len(y), -1, self.norm.normalized_shape[0]))
