"""Inference: edits images by instruction, and learns an instruction from a pair. The product's engine does the same in
TypeScript; this code measures the results in the model card."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, EulerAncestralDiscreteScheduler
from torch import Tensor

from autoencoder import PatchAutoencoder
from model import SCHEDULER, Mini, schedule, tokenize
from muon import half_precision
from photos import CACHE
from phrases import CARRIER

EULER = {k: v for k, v in SCHEDULER.items() if k not in ("clip_sample", "set_alpha_to_one")}


@dataclass
class Sampler:
    scheduler: str = "ddim"
    steps: int = 1
    text_guidance: float = 1.0
    image_guidance: float = 1.0
    seed: int = 0


class Editor:
    """A trained model with its autoencoder and tokenizer, ready to edit."""

    def __init__(self, model: Mini, autoencoder: PatchAutoencoder, tokenizer, device: str = "cpu"):
        self.model, self.autoencoder, self.tokenizer, self.device = model.eval(), autoencoder, tokenizer, device
        self.model.requires_grad_(False)
        self.alphas = schedule().to(device)
        self.precision = half_precision(device)
        self.null = self.encode_text([""])

    @classmethod
    def from_checkpoint(cls, path: Path = CACHE / "run" / "checkpoint.pt", device: str = "cpu") -> "Editor":
        from train import make_model
        model, autoencoder, tokenizer = make_model(CACHE / "start", device)
        model.load_state_dict(torch.load(path, map_location=device, weights_only=False)["average"])
        return cls(model, autoencoder, tokenizer, device)

    @torch.no_grad()
    def encode_text(self, texts: list[str]) -> Tensor:
        return self.model.encode_text(tokenize(self.tokenizer, texts).to(self.device))

    @torch.no_grad()
    def instruct(self, before: Tensor, after: Tensor) -> Tensor:
        """The mean of the pair encoder's instructions for pairs in [0, 1]: states [1, 32, 128]."""
        tokens = self.model.pair_encoder(before * 2 - 1, after * 2 - 1).mean(0, keepdim=True)
        return self.model.with_tokens(self.encode_text([CARRIER])[0], tokens)

    def predict(self, noisy: Tensor, condition: Tensor, t: Tensor, states: Tensor) -> Tensor:
        with torch.autocast(self.device, torch.bfloat16, enabled=self.precision != torch.float32):
            return self.model.predict(noisy, condition, t, states).float()

    @torch.no_grad()
    def edit(self, before: Tensor, states: Tensor, s: Sampler = Sampler()) -> Tensor:
        """Pictures in [0, 1] and text states ([1 or B, 32, 128]) -> edited pictures."""
        c = self.autoencoder.config
        condition = self.autoencoder.encode(before * 2 - 1)
        states = states.expand(len(before), -1, -1)
        null, empty = self.null.expand(len(before), -1, -1), torch.zeros_like(condition)
        plan = DDIMScheduler(**SCHEDULER) if s.scheduler == "ddim" else EulerAncestralDiscreteScheduler(**EULER)
        plan.set_timesteps(s.steps)
        generator = torch.Generator(self.device).manual_seed(s.seed)
        x = torch.randn(1, *condition.shape[1:], generator=generator, device=self.device).expand_as(condition) * plan.init_noise_sigma
        for t in plan.timesteps:
            noisy = plan.scale_model_input(x, t)
            times = t.expand(len(before)).to(self.device)
            text = self.predict(noisy, condition, times, states)
            if s.text_guidance != 1 or s.image_guidance != 1:
                image = self.predict(noisy, condition, times, null)
                none = self.predict(noisy, empty, times, null) if s.image_guidance != 1 else image
                text = none + s.text_guidance * (text - image) + s.image_guidance * (image - none)
            options = {} if s.scheduler == "ddim" else {"generator": generator}
            x = plan.step(text, t, x, **options).prev_sample
        return ((self.autoencoder.decode(x / c["scaling_factor"] + c["shift_factor"]) + 1) / 2).clamp(0, 1)

    def invert(self, before: Tensor, after: Tensor, init: str | None = None, steps: int = 150, rate: float = 0.12, batch: int = 6,
               seed: int = 0, clip: float = 0.0) -> Tensor:
        """VISII: learns tokens so that the frozen model turns ``before`` into ``after`` ([N, 3, H, W]). They start from
        the prompt ``init`` or from the pair encoder."""
        c = self.autoencoder.config
        generator = torch.Generator(self.device).manual_seed(seed)
        with torch.no_grad():
            condition = self.autoencoder.encode(before * 2 - 1)
            target = (self.autoencoder.encode(after * 2 - 1) - c["shift_factor"]) * c["scaling_factor"]
            ids = tokenize(self.tokenizer, [init or CARRIER]).to(self.device)
            start = self.model.encode_text(ids) if init else self.instruct(before, after)
            end = int(self.model.ends(ids)[0])
            wanted = self.model.image_features(after).mean(0) - self.model.image_features(before).mean(0)
        learned = start[:, 1:end].clone().requires_grad_(True)
        optimiser = torch.optim.AdamW([learned], lr=rate, weight_decay=0.0)
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = rate * min(1.0, (steps - step) / (0.5 * steps))
            rows = torch.randint(0, len(before), (batch,), generator=generator, device=self.device)
            # Timesteps spread evenly over the range in every batch: less noise from step to step.
            spread = (torch.arange(batch, device=self.device) + torch.rand(batch, generator=generator, device=self.device)) / batch
            t = (spread * 1000).long().clamp(0, 999)
            a = self.alphas[t].view(-1, 1, 1, 1)
            noise = torch.randn(target[rows].shape, generator=generator, device=self.device)
            noisy = a.sqrt() * target[rows] + (1 - a).sqrt() * noise
            states = torch.cat([start[:, :1], learned, start[:, end:]], 1)
            out = self.predict(noisy, condition[rows], t, states.expand(batch, -1, -1))
            loss = F.mse_loss(out, a.sqrt() * noise - (1 - a).sqrt() * target[rows])
            if clip:
                loss = loss - clip * (self.model.text_direction(states)[0] @ F.normalize(wanted, dim=0)).clamp(-1, 0.5)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return torch.cat([start[:, :1], learned.detach(), start[:, end:]], 1)


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """PSNR of each image in dB, for images in [0, 1]."""
    return -10 * torch.log10((a - b).square().mean((1, 2, 3)).clamp_min(1e-6))


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of each picture (Gaussian window, sigma 1.5, per channel)."""
    from edits import blurred
    ma, mb = blurred(a, 1.5), blurred(b, 1.5)
    va, vb, cov = blurred(a * a, 1.5) - ma * ma, blurred(b * b, 1.5) - mb * mb, blurred(a * b, 1.5) - ma * mb
    score = (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma ** 2 + mb ** 2 + 1e-4) * (va + vb + 9e-4))
    return score.mean((1, 2, 3))


def save_grid(path: Path, rows: list[Tensor]) -> None:
    """Writes rows of images to one file, PNG or JPEG by its name."""
    from PIL import Image
    picture = torch.cat([torch.cat(list(r), 2) for r in rows], 1)
    Image.fromarray((picture.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()).save(path, quality=88)
