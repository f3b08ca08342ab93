"""Writes the trained model as a diffusers-layout folder, fp16 safetensors, and checks that diffusers and transformers
load it strictly and compute what the training code computes.

    python export.py ../models/mini [--run RUN]
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

import list_phrases
from autoencoder import PatchAutoencoder
from model import CLIP_SIZE, LENGTH, SCHEDULER, tokenize
from photos import CACHE
from phrases import CARRIER
from sampling import Editor

HERE = Path(__file__).resolve().parent
# Reasons: README.md, "Settings".
DEFAULTS = {
    "sampler": {"scheduler": "ddim", "steps": 4, "text_guidance": 1.0, "image_guidance": 1.0,
                "mixing": "in-turn"},
    "inversion": {"learning_rate": 0.12, "steps": 300, "batch_size": 1, "text_guidance": 1.0, "image_guidance": 1.0,
                  "pair": {"learning_rate": 0.15, "steps": 80}, "kv": {"learning_rate": 0.25}},
    "resolution": 256,
    "init": CARRIER,
    "captions": {"describe": "edit", "phrases": "phrases.txt"},
}


def half(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: v.detach().to(torch.float16).contiguous() if v.is_floating_point() else v.contiguous() for k, v in state.items()}


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def export(editor: Editor, folder: Path) -> None:
    """Writes to a temporary folder, then replaces the old files."""
    aside = folder.with_name(folder.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    for part in ("unet", "vae", "text_encoder", "tokenizer", "scheduler", "clip", "pair_encoder"):
        (aside / part).mkdir(parents=True)
    model, clip = editor.model, editor.model.clip
    save_file(half(model.unet.state_dict()), aside / "unet/diffusion_pytorch_model.safetensors", {"format": "pt"})
    config = {k: v for k, v in dict(model.unet.config).items() if not k.startswith("_") and v is not None}
    write_json(aside / "unet/config.json", {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.35.0", **config})
    save_file(half(editor.autoencoder.state_dict()), aside / "vae/diffusion_pytorch_model.safetensors", {"format": "pt"})
    write_json(aside / "vae/config.json", editor.autoencoder.config)
    save_file(half(model.pair_encoder.state_dict()), aside / "pair_encoder/model.safetensors", {"format": "pt"})
    write_json(aside / "pair_encoder/config.json", model.pair_encoder.config)
    text = {f"text_model.{k}": v for k, v in clip.text_model.state_dict().items() if "position_ids" not in k}
    save_file(half(text), aside / "text_encoder/model.safetensors", {"format": "pt"})
    text_config = clip_config(clip.config.text_config)
    write_json(aside / "text_encoder/config.json",
               {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", **text_config})
    state = {k: v for k, v in clip.state_dict().items() if "position_ids" not in k}
    save_file(half(state), aside / "clip/model.safetensors", {"format": "pt"})
    write_json(aside / "clip/config.json", {
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": clip.config.projection_dim,
        "logit_scale_init_value": clip.config.logit_scale_init_value,
        "text_config": {"model_type": "clip_text_model", **text_config},
        "vision_config": {"model_type": "clip_vision_model", **clip_config(clip.config.vision_config)}})
    write_json(aside / "clip/preprocessor_config.json", {
        "image_processor_type": "CLIPImageProcessor", "do_resize": True, "size": {"shortest_edge": CLIP_SIZE},
        "do_center_crop": True, "crop_size": {"height": CLIP_SIZE, "width": CLIP_SIZE}, "resample": 2, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True,
        "image_mean": [0.5] * 3, "image_std": [0.25] * 3})
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(CACHE / "tokenizer" / name, aside / "tokenizer" / name)
    write_json(aside / "scheduler/scheduler_config.json", {
        "_class_name": "EulerAncestralDiscreteScheduler" if DEFAULTS["sampler"]["scheduler"] != "ddim" else "DDIMScheduler",
        "_diffusers_version": "0.35.0", **SCHEDULER})
    write_json(aside / "model_index.json", {
        "_class_name": "StableDiffusionInstructPix2PixPipeline", "_diffusers_version": "0.35.0",
        "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["visii", "PatchAutoencoder"]})
    write_json(aside / "visii.json", DEFAULTS)
    list_phrases.main(aside / DEFAULTS["captions"]["phrases"])
    check(editor, aside)
    for path in sorted(aside.rglob("*")):
        if path.is_file():
            target = folder / path.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
    shutil.rmtree(aside)
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    print(f"exported to {folder}: {size / 1e6:.1f} MB")


def clip_config(config) -> dict:
    keys = ("vocab_size", "hidden_size", "intermediate_size", "projection_dim", "num_hidden_layers", "num_attention_heads",
            "max_position_embeddings", "hidden_act", "layer_norm_eps", "attention_dropout", "initializer_range",
            "initializer_factor", "image_size", "patch_size", "num_channels", "bos_token_id", "eos_token_id", "pad_token_id")
    full = config.to_dict()
    return {k: full[k] for k in keys if k in full and full[k] is not None}


def check(editor: Editor, folder: Path) -> None:
    """Checks that the libraries' loaders find every key and reproduce the training code's output to fp16 precision."""
    from diffusers import DDIMScheduler, EulerAncestralDiscreteScheduler, UNet2DConditionModel
    from transformers import CLIPModel, CLIPTextModel, CLIPTokenizer
    unet, report = UNet2DConditionModel.from_pretrained(folder / "unet", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"], report
    text, report = CLIPTextModel.from_pretrained(folder / "text_encoder", output_loading_info=True, dtype=torch.float32)
    assert not report["missing_keys"] and not report["unexpected_keys"], report
    clip, report = CLIPModel.from_pretrained(folder / "clip", output_loading_info=True, dtype=torch.float32)
    assert not report["missing_keys"] and not report["unexpected_keys"], report
    vae = PatchAutoencoder.load(folder / "vae")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    DDIMScheduler.from_pretrained(folder / "scheduler").set_timesteps(4)
    EulerAncestralDiscreteScheduler.from_pretrained(folder / "scheduler").set_timesteps(4)
    sentence = ["make it a duotone of teal and orange by 45 percent"]
    ids = tokenize(tokenizer, sentence)
    assert ids.shape[1] == LENGTH
    torch.manual_seed(0)
    picture, t = torch.rand(1, 3, 128, 128), torch.tensor([700])
    with torch.no_grad():
        states = text.float()(input_ids=ids).last_hidden_state
        z, ours = vae.encode(picture * 2 - 1), editor.autoencoder.encode(picture * 2 - 1)
        noise = torch.randn_like(z)
        got = unet.float()(torch.cat([noise, z], 1), t, states).sample
        want = editor.model.predict(noise, ours, t, editor.encode_text(sentence))
        image = clip.visual_projection(clip.vision_model(pixel_values=torch.rand(1, 3, CLIP_SIZE, CLIP_SIZE)).pooler_output)
    error = float((got - want).abs().max() / want.abs().max())
    assert error < 2e-2 and image.shape[-1] == 64, error
    print(f"diffusers and transformers load it; largest difference from training, fp16 against fp32: {error:.1e}")


def main() -> None:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder", type=Path, nargs="?", default=HERE.parent / "models" / "mini")
    a.add_argument("--run", type=Path, default=CACHE / "run", help="the folder of a training run")
    o = a.parse_args()
    torch.set_num_threads(1)
    export(Editor.from_checkpoint(o.run / "checkpoint.pt"), o.folder)


if __name__ == "__main__":
    main()
