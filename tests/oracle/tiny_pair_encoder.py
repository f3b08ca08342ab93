"""fixtures/tiny-pair-encoder: a `pair_encoder/` that suits tiny-mini (14 tokens of its init, width 32), stored in float16.

    x  = conv_in(unshuffle([before, after - before]))
    x  = x + conv2(silu(conv1(x)))  in every block of a stage; between stages a convolution of stride 2
    s  = mean and deviation of every stage's x over the picture
    y  = norm(fc_out(silu(fc2(silu(fc1(s))))))
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from expected_file import Expected
from seeded_weights import draw_image, fill
from tiny_ip2p import WIDTH

TOKENS = 14


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.silu(self.conv1(x)))


class Stage(nn.Module):
    def __init__(self, channels_in, channels, layers):
        super().__init__()
        if channels_in is not None:
            self.downsample = nn.Conv2d(channels_in, channels, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList([Block(channels) for _ in range(layers)])

    def forward(self, x):
        x = self.downsample(x) if hasattr(self, "downsample") else x
        for block in self.blocks:
            x = block(x)
        return x


class PairEncoder(nn.Module):
    def __init__(self, in_channels, patch_size, block_out_channels, layers_per_block, hidden_size, num_tokens,
                 cross_attention_dim):
        super().__init__()
        self.patch_size, self.shape = patch_size, (num_tokens, cross_attention_dim)
        before = [None, *block_out_channels]
        self.conv_in = nn.Conv2d(2 * in_channels * patch_size**2, block_out_channels[0], 3, padding=1)
        self.stages = nn.ModuleList(map(Stage, before, block_out_channels, layers_per_block))
        self.fc1 = nn.Linear(2 * sum(block_out_channels), hidden_size)
        self.fc2 = nn.Linear(hidden_size, hidden_size)
        self.fc_out = nn.Linear(hidden_size, num_tokens * cross_attention_dim)
        self.norm = nn.LayerNorm(cross_attention_dim, eps=1e-5)

    def forward(self, before, after):
        x = self.conv_in(F.pixel_unshuffle(torch.cat([before, after - before], dim=1), self.patch_size))
        statistics = []
        for stage in self.stages:
            x = stage(x)
            statistics += [x.mean((2, 3)), (x.var((2, 3), correction=0) + 1e-5).sqrt()]
        hidden = F.silu(self.fc2(F.silu(self.fc1(torch.cat(statistics, dim=1)))))
        return self.norm(self.fc_out(hidden).unflatten(1, self.shape))


CONFIG = {
    "in_channels": 3, "patch_size": 2, "block_out_channels": [6, 8, 10], "layers_per_block": [1, 2, 1], "hidden_size": 12,
    "num_tokens": TOKENS, "cross_attention_dim": WIDTH,
}


def make(folder: Path):
    encoder = fill(PairEncoder(**CONFIG), seed=401).half()
    save_file({name: value.contiguous() for name, value in encoder.state_dict().items()},
              folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"_class_name": "PairEncoder", **CONFIG}, indent=2) + "\n")
    # Sides that a stride of 2 does not divide at every stage.
    before, after = draw_image((2, 3, 20, 36), seed=402), draw_image((2, 3, 20, 36), seed=403)
    expected = Expected()
    expected.add("inputs", {"before": before, "after": after})
    expected.add("outputs", {"tokens": encoder.double()(before, after)})
    expected.save(folder / "expected.safetensors")
