"""The autoencoder: 4x4 patches of pixels, projected linearly, plus a small convolutional branch parallel to each projection.

``encoder.proj`` starts as a PCA of patches, partly whitened, so that it is a good autoencoder before any training;
the residual branches have no normalization layers and no attention. Latents are deterministic.
"""
from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONFIG = {
    "_class_name": "PatchAutoencoder", "patch_size": 4, "in_channels": 3, "out_channels": 3, "latent_channels": 16,
    "hidden_channels": 64, "encoder_layers": 0, "decoder_layers": 2, "scaling_factor": 1.0, "shift_factor": 0.0,
}


class Block(nn.Module):
    """x + conv2(silu(conv1(x)))"""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(x)))


class Half(nn.Module):
    """proj(x), plus conv_out(blocks(conv_in(x))) where ``layers`` is not 0."""

    def __init__(self, inputs: int, outputs: int, hidden: int, layers: int):
        super().__init__()
        self.proj = nn.Conv2d(inputs, outputs, 1)
        self.layers = layers
        if layers:
            self.conv_in = nn.Conv2d(inputs, hidden, 3, padding=1)
            self.blocks = nn.ModuleList(Block(hidden) for _ in range(layers))
            self.conv_out = nn.Conv2d(hidden, outputs, 3, padding=1)
            nn.init.zeros_(self.conv_out.weight)
            nn.init.zeros_(self.conv_out.bias)

    def forward(self, x: Tensor) -> Tensor:
        out = self.proj(x)
        if self.layers:
            h = self.conv_in(x)
            for block in self.blocks:
                h = block(h)
            out = out + self.conv_out(h)
        return out


class PatchAutoencoder(nn.Module):
    def __init__(self, **config):
        super().__init__()
        self.config = {**CONFIG, **config}
        c = self.config
        pixels, latents = 3 * c["patch_size"] ** 2, c["latent_channels"]
        self.encoder = Half(pixels, latents, c["hidden_channels"], c["encoder_layers"])
        self.decoder = Half(latents, pixels, c["hidden_channels"], c["decoder_layers"])

    def encode(self, images: Tensor) -> Tensor:
        """[B, 3, H, W] in [-1, 1], H and W multiples of the patch -> raw latents [B, C, H/4, W/4]."""
        return self.encoder(F.pixel_unshuffle(images, self.config["patch_size"]))

    def decode(self, latents: Tensor) -> Tensor:
        return F.pixel_shuffle(self.decoder(latents), self.config["patch_size"])

    @torch.no_grad()
    def fit_pca(self, images: Tensor, whiten: float = 0.5) -> None:
        """Initializes the projections from a sample of images. Component k is divided by its deviation to the power ``whiten``
        and everything by one number, so that latents have unit mean square."""
        x = F.pixel_unshuffle(images, self.config["patch_size"]).permute(0, 2, 3, 1).reshape(-1, self.encoder.proj.in_channels)
        mean = x.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov((x - mean).T.double()))
        n = self.config["latent_channels"]
        basis = vectors.flip(1)[:, :n].float()
        spread = values.flip(0)[:n].clamp_min(1e-8).sqrt().float()
        scale = spread ** -whiten
        scale = scale / ((spread * scale) ** 2).mean().sqrt()
        self.encoder.proj.weight.copy_((basis * scale).T[:, :, None, None])
        self.encoder.proj.bias.copy_(-(mean @ basis) * scale)
        self.decoder.proj.weight.copy_((basis / scale)[:, :, None, None])
        self.decoder.proj.bias.copy_(mean)

    @classmethod
    def load(cls, folder: Path) -> "PatchAutoencoder":
        from safetensors.torch import load_file
        config = json.loads((Path(folder) / "config.json").read_text())
        model = cls(**config)
        model.load_state_dict({k: v.float() for k, v in load_file(Path(folder) / "diffusion_pytorch_model.safetensors").items()})
        return model


def train(cache: Path, minutes: float, device: str = "cpu", seed: int = 0) -> PatchAutoencoder:
    """PCA, then a few minutes of the decoder's branch on plain and edited photos. Saved as ``autoencoder.pt``."""
    import random
    import time

    from batches import Crops
    from looks import apply_all, draw

    torch.manual_seed(seed)
    rng, crops = random.Random(seed), Crops(seed, device)

    def batch(count: int, size: int) -> Tensor:
        """Plain and edited photos, [count, 3, size, size] in [-1, 1]."""
        x = apply_all([draw(rng) for _ in range(count)], crops(count, size)[:, None])[:, 0]
        x[: count // 3] = crops(count, size)[: count // 3]
        return x * 2 - 1

    model = PatchAutoencoder().to(device)
    with torch.no_grad():
        model.fit_pca(torch.cat([batch(64, 128) for _ in range(12)]))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    start, step = time.time(), 0
    while (done := (time.time() - start) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = 1.5e-3 * min(1, step / 50) * (1 - done) + 1e-5
        x = batch(32, 64)
        z = model.encode(x)
        with torch.autocast(device, torch.bfloat16):
            out = model.decode(z + 0.02 * torch.randn_like(z))  # a little noise: the UNet's latents are not exact either
        loss = F.mse_loss(out.float(), x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(f"autoencoder {step} {done:.0%} psnr {10 * torch.log10(4 / loss.detach()):.2f}", flush=True)
    torch.save({"config": model.config, "state": model.state_dict()}, cache / "autoencoder.pt")
    return model


if __name__ == "__main__":
    import argparse

    from photos import CACHE
    arguments = argparse.ArgumentParser(description="Fits and trains the autoencoder.")
    arguments.add_argument("--minutes", type=float, default=4)
    arguments.add_argument("--device", default="cpu")
    o = arguments.parse_args()
    torch.set_num_threads(1)
    train(CACHE, o.minutes, o.device)
