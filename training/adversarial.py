"""The losses of the third run, in which the UNet learns to paint strokes instead of their mean.

A squared error rewards the mean of all plausible paintings, which is blurred. In this run the UNet also edits as the product does,
from pure noise in the steps of the default sampler, and a discriminator compares patches of the results with the true edits. Only the
UNet and the discriminator are trained.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoencoder import PatchAutoencoder
from batches import PHOTOS, Batch
from model import HIDDEN, LENGTH, Mini
from train import Losses

TIMES = (999, 749, 499, 249)  # the default sampler's timesteps
ROUGHNESS = 5.0  # weight of the discriminator's squared change under small noise
NOISE = 0.05


class Discriminator(nn.Module):
    """Scores patches of 10 and of 38 pixels of an edited photo, given the photo and the instruction [B, 32, 128]; one map of scores for each
    patch size. Its scores depend on the instruction by projection (Miyato and Koyama 2018)."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128)):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in zip((6, *widths), widths))
        self.last = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        self.heads = nn.ModuleList(nn.Conv2d(w, 1, 1) for w in widths[1:])
        self.projections = nn.ModuleList(nn.Linear(LENGTH * HIDDEN, w) for w in widths[1:])

    def forward(self, photo: Tensor, picture: Tensor, states: Tensor) -> list[Tensor]:
        x, features = torch.cat([picture, photo], 1), []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.2)
            features.append(x)
        features = [features[1], F.leaky_relu(self.last(x), 0.2)]
        return [head(x) + (x * projection(states.flatten(1))[..., None, None]).sum(1, keepdim=True) / x.shape[1] ** 0.5
                for x, head, projection in zip(features, self.heads, self.projections)]


class AdversarialLosses(Losses):
    """``weight``: the adversarial gradient of an image's pixels, relative to the absolute difference's. ``step``: the steps already made;
    the weight rises over the first 100."""

    def __init__(self, model: Mini, autoencoder: PatchAutoencoder, device: str, discriminator: Discriminator, weight: float, step: int):
        super().__init__(model, autoencoder, device, exact=False)
        self.discriminator = discriminator.to(memory_format=torch.channels_last)
        self.weight, self.step = weight, step

    @torch.no_grad()
    def sample(self, x: Tensor, condition: Tensor, states: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Noisy latents and their timesteps after the first ``steps`` [N] of the default sampler, from pure noise ``x``."""
        for k, t in enumerate(TIMES[:-1]):
            rows = steps > k
            if not rows.any():
                break
            v = self.model.predict(x[rows], condition[rows], torch.full((int(rows.sum()),), t, device=self.device), states[rows]).float()
            a, following = self.alphas[t], self.alphas[TIMES[k + 1]]
            clean, noise = a.sqrt() * x[rows] - (1 - a).sqrt() * v, a.sqrt() * v + (1 - a).sqrt() * x[rows]
            x = x.clone()
            x[rows] = following.sqrt() * clean + (1 - following).sqrt() * noise
        return x, torch.tensor(TIMES, device=self.device)[steps]

    def __call__(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        config, m, n = self.autoencoder.config, self.model, batch.before.shape[0] * PHOTOS
        before, after = batch.before.flatten(0, 1) * 2 - 1, batch.after.flatten(0, 1) * 2 - 1
        half = self.dtype != torch.float32
        # Three in five images are sampled, one starts at pure noise and one is at any timestep, as in the other runs.
        kind = torch.arange(n, device=self.device) % 5
        sampled, top = kind < 3, kind == 3
        with torch.no_grad():
            condition = self.autoencoder.encode(before)
            target = (self.autoencoder.encode(after) - config["shift_factor"]) * config["scaling_factor"]
            with torch.autocast(self.device, self.dtype, enabled=half):
                states, null, *_ = self.states(batch)
            states = states.float()
        dropped = (torch.rand(n, device=self.device) < 0.15) & ~sampled
        without_text, without_photo = (dropped & (torch.rand(n, device=self.device) < 0.66) for _ in range(2))
        states = torch.where(without_text[:, None, None], null.float(), states)
        condition = condition * (~without_photo).float()[:, None, None, None]
        t = torch.where(top, 999, torch.randint(0, 1000, (n,), device=self.device))
        noise = torch.randn_like(target)
        a = self.alphas[t].view(-1, 1, 1, 1)
        noisy = a.sqrt() * target + (1 - a).sqrt() * noise
        velocity = a.sqrt() * noise - (1 - a).sqrt() * target
        with torch.autocast(self.device, self.dtype, enabled=half):
            steps = torch.randint(0, 4, (int(sampled.sum()),), device=self.device).clamp_min(1)
            noisy[sampled], t[sampled] = self.sample(noise[sampled], condition[sampled], states[sampled], steps)
            out = m.predict(noisy, condition, t, states).float()
            a = self.alphas[t].view(-1, 1, 1, 1)
            decoded = (sampled | top) & ~without_photo & ~without_text
            clean = (a.sqrt() * noisy - (1 - a).sqrt() * out)[decoded]
            picture = self.autoencoder.decode(clean / config["scaling_factor"] + config["shift_factor"]).float()
        error = (out - velocity).square().mean((1, 2, 3))[~sampled].mean()
        apart = (picture - after[decoded]).abs().mean((1, 2, 3))
        rows = sampled[decoded]
        loss, parts, gradient = self.discriminate(before[decoded][rows], after[decoded][rows], picture.detach()[rows], states[decoded][rows])
        weight = self.weight * min(1.0, self.step / 100)
        self.step += 1
        total = error + 0.5 * apart.mean() + 0.5 * weight * (gradient * picture[rows]).sum() + loss
        parts |= {"loss": error, "picture": apart[~rows].mean(), "sampled": apart[rows].mean()}
        return total, {k: v.detach() for k, v in parts.items()}

    def discriminate(self, photo: Tensor, truth: Tensor, picture: Tensor, states: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """The discriminator's loss; figures for the log; and the gradient of the UNet's adversarial loss with respect to ``picture``,
        scaled to the norm of the mean absolute difference's.

        The loss is relativistic (Jolicoeur-Martineau 2018): a result should look as real as the true edit of its photo. Scores must change
        little under small noise, a finite difference in place of R1's second derivative."""
        d, half = self.discriminator, self.dtype != torch.float32
        picture.requires_grad_(True)
        d.requires_grad_(False)
        with torch.autocast(self.device, self.dtype, enabled=half):
            with torch.no_grad():
                real = d(photo, truth, states)
            fake = d(photo, picture, states)
            loss = sum(F.softplus(r.float() - f.float()).mean((1, 2, 3)) for r, f in zip(real, fake))
            gradient, = torch.autograd.grad(loss.sum(), picture)
        picture.requires_grad_(False)
        d.requires_grad_(True)
        scale = gradient.square().mean().sqrt().clamp_min(1e-12) * gradient.numel()
        with torch.autocast(self.device, self.dtype, enabled=half):
            both = torch.cat([truth, picture])
            scores = d(photo.repeat(4, 1, 1, 1), torch.cat([both, both + NOISE * torch.randn_like(both)]), states.repeat(4, 1, 1))
        total, rough, right = 0.0, 0.0, 0.0
        for part in scores:
            real, fake, real_noisy, fake_noisy = part.float().chunk(4)
            total = total + F.softplus(fake - real).mean()
            rough = rough + (real_noisy - real).square().mean() + (fake_noisy - fake).square().mean()
            right = right + (real > fake).float().mean() / len(scores)
        return total + ROUGHNESS * rough, {"discriminator": total, "rough": rough, "right": right, "adversarial": loss.mean()}, gradient / scale
