"""The bundled model's autoencoder: pixel-unshuffle, a linear map, and an optional norm-free convolutional correction.

    latents = proj(unshuffle(x)) + conv_out(blocks(conv_in(unshuffle(x))))     block(x) = x + conv2(silu(conv1(x)))
    image   = shuffle(proj(z) + conv_out(blocks(conv_in(z))))

The correction is absent if its number of layers is 0. This is the oracle of PatchAutoencoder.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.silu(self.conv1(x)))


class Half(nn.Module):
    """The encoder or the decoder, on patches: [n, in, h, w] -> [n, out, h, w]."""

    def __init__(self, channels_in: int, channels_out: int, hidden: int, layers: int):
        super().__init__()
        self.layers = layers
        self.proj = nn.Conv2d(channels_in, channels_out, 1)
        if layers > 0:
            self.conv_in = nn.Conv2d(channels_in, hidden, 3, padding=1)
            self.blocks = nn.ModuleList([Block(hidden) for _ in range(layers)])
            self.conv_out = nn.Conv2d(hidden, channels_out, 3, padding=1)

    def forward(self, x):
        linear = self.proj(x)
        if self.layers == 0:
            return linear
        correction = self.conv_in(x)
        for block in self.blocks:
            correction = block(correction)
        return linear + self.conv_out(correction)


class PatchAutoencoder(nn.Module):
    def __init__(self, *, patch_size=4, in_channels=3, out_channels=3, latent_channels=12, hidden_channels=16,
                 encoder_layers=1, decoder_layers=2, scaling_factor=1.0, shift_factor=0.0):
        super().__init__()
        self.config = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        area = patch_size**2
        self.encoder = Half(in_channels * area, latent_channels, hidden_channels, encoder_layers)
        self.decoder = Half(latent_channels, out_channels * area, hidden_channels, decoder_layers)

    def encode(self, image):
        return self.encoder(F.pixel_unshuffle(image, self.config["patch_size"]))

    def decode(self, latents):
        return F.pixel_shuffle(self.decoder(latents), self.config["patch_size"])

    def save_pretrained(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        config = {"_class_name": "PatchAutoencoder", **self.config}
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        weights = {name: tensor.contiguous() for name, tensor in self.state_dict().items()}
        save_file(weights, folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})
