"""Random weights with which every path of a tiny model affects the result.

A new torch module is not a good oracle: its norm scales are one and its biases zero, so an implementation without
them agrees too. Here every parameter is random, so that activations are of order 1 and nothing is an identity.
"""

import torch


def fill(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Draw every parameter of `module` from `seed`, in order of its name, and return it in float32, in eval mode."""
    generator = torch.Generator().manual_seed(seed)

    def normal(shape, scale):
        return torch.randn(shape, generator=generator, dtype=torch.float32) * scale

    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            leaf = name.rsplit(".", 1)[-1]
            if "embedding" in name and parameter.dim() == 2 and "linear" not in name and "proj" not in name:
                parameter.copy_(normal(parameter.shape, 0.7))
            elif parameter.dim() >= 2:
                fan_in = parameter[0].numel()
                parameter.copy_(normal(parameter.shape, 1.1 / fan_in**0.5))
            elif leaf == "weight":  # a norm's scale
                parameter.copy_(1 + normal(parameter.shape, 0.25))
            elif parameter.dim() == 1:
                parameter.copy_(normal(parameter.shape, 0.15))
    return module.float().eval()


def draw(shape, seed: int, scale: float = 1.0) -> torch.Tensor:
    """Normal float32 values in float64, so that the stored values are exactly those of the oracle."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator, dtype=torch.float32) * scale).double()


def draw_image(shape, seed: int) -> torch.Tensor:
    """A smooth image in [-1, 1] with some grain, float32 values in float64."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn((shape[0], shape[1], 4, 4), generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=shape[2:], mode="bicubic", align_corners=False)
    grain = torch.randn(shape, generator=generator) * 0.1
    return torch.tanh(0.8 * smooth + grain).float().double()
