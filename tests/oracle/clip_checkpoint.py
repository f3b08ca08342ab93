"""CLIP folders with the tensor names of published checkpoints.

transformers 5 drops `text_model.` from a CLIPTextModel's keys; the published Stable Diffusion folders have it, and an
integer `position_ids` besides. Fixtures carry the published names, except where they are there to show the new ones.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def save_clip(module, folder: Path, published_names: bool = True, extra_config=None):
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in module.state_dict().items()}
    if published_names and not any(name.startswith("text_model.") for name in weights):
        weights = {f"text_model.{name}": value for name, value in weights.items()}
    if published_names:
        for tower in ("text_model", "vision_model"):
            table = weights.get(f"{tower}.embeddings.position_embedding.weight")
            if table is not None:
                weights[f"{tower}.embeddings.position_ids"] = torch.arange(table.shape[0])[None]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads(module.config.to_json_string(use_diff=False)) | (extra_config or {})
    (folder / "config.json").write_text(json.dumps(trimmed(config), indent=2, sort_keys=True) + "\n")


# Keys of transformers' generation and labelling machinery: in the published files, without meaning here.
NOISE = {"id2label", "label2id", "chunk_size_feed_forward", "is_encoder_decoder", "output_attentions",
         "output_hidden_states", "problem_type", "return_dict", "_name_or_path"}


def trimmed(config):
    if not isinstance(config, dict):
        return config
    return {key: trimmed(value) for key, value in config.items() if key not in NOISE}
