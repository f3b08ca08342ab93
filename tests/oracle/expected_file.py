"""The expected values of a fixture: `inputs.*` and `outputs.*` in one safetensors file."""

from pathlib import Path

import torch
from safetensors.torch import save_file


class Expected:
    def __init__(self):
        self.tensors: dict[str, torch.Tensor] = {}

    def add(self, group: str, values: dict[str, torch.Tensor]):
        """Stores floats in float32 (scalars in float64) and integers in int64."""
        for name, value in values.items():
            value = torch.as_tensor(value).detach()
            if value.is_floating_point() and value.dim() > 0:
                value = value.float()
            elif not value.is_floating_point():
                value = value.long()
            assert f"{group}.{name}" not in self.tensors
            self.tensors[f"{group}.{name}"] = value.contiguous().clone()

    def save(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(self.tensors, path, {"format": "pt"})
