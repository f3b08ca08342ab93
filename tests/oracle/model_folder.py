"""Loads a model folder with diffusers and transformers, and checks that every tensor is requested, present and of the requested shape.

    python tests/oracle/model_folder.py DIR [--forward]

For folders that `visii models random` wrote. With --forward, each part is run once on random input, and the deviation of what
comes out is printed: about 1 where random weights are in scale.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import (AutoencoderKL, StableDiffusionInstructPix2PixPipeline, StableDiffusionXLInstructPix2PixPipeline,
                       UNet2DConditionModel)
from safetensors import safe_open
from transformers import CLIPModel, CLIPTextModel, CLIPTextModelWithProjection

# Integers that transformers stored in 2023; later versions compute them.
BUFFERS = {"text_model.embeddings.position_ids", "vision_model.embeddings.position_ids", "embeddings.position_ids"}


def load_strictly(cls, folder: Path, variant):
    model, report = cls.from_pretrained(folder, output_loading_info=True, variant=variant, torch_dtype=torch.float32)
    faults = {kind: sorted(set(found) - BUFFERS) for kind, found in report.items()}
    faults = {kind: found for kind, found in faults.items() if found}
    (file,) = folder.glob("*.safetensors")
    with safe_open(file, "pt") as stored:
        # Some converters drop unknown tensors before the report, so they are counted too.
        count = len(set(stored.keys()) - BUFFERS)
    parameters = sum(p.numel() for p in model.parameters())
    wanted = len(model.state_dict().keys() - BUFFERS)
    print(f"{folder.name}: {cls.__name__}, {parameters:,} parameters, {count} tensors stored, {wanted} wanted")
    assert not faults, faults
    assert count == wanted, (count, wanted)
    return model.eval()


def spread(name, value):
    print(f"  {name}: deviation {value.std().item():.3f}, greatest {value.abs().max().item():.2f}")
    assert torch.isfinite(value).all() and 0.05 < value.std() < 20, name


@torch.no_grad()
def forward(unet, vae, text, clip, second=None):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, text.config.vocab_size - 2, (1, 77), generator=generator)
    hidden, added = text(ids).last_hidden_state, None
    if second:
        told = second(ids, output_hidden_states=True)
        spread("pooled text", told.text_embeds)
        hidden = torch.cat([text(ids, output_hidden_states=True).hidden_states[-2], told.hidden_states[-2]], dim=-1)
        added = {"text_embeds": told.text_embeds, "time_ids": torch.tensor([[256.0, 256, 0, 0, 256, 256]])}
    spread("text embedding", hidden)
    size = clip.config.vision_config.image_size
    vision = clip.vision_model(pixel_values=torch.randn(1, 3, size, size, generator=generator))
    spread("CLIP image embedding", clip.visual_projection(vision.pooler_output))
    latents = vae.encode(torch.rand(1, 3, 128, 128, generator=generator) * 2 - 1).latent_dist.mode()
    spread("autoencoder's latents", latents)
    spread("autoencoder's pixels", vae.decode(latents).sample)
    sample = torch.randn(1, 8, 32, 32, generator=generator)
    spread("UNet", unet(sample, 500, encoder_hidden_states=hidden, added_cond_kwargs=added).sample)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--forward", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    variant = "fp16" if (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").exists() else None
    classes = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel, "clip": CLIPModel}
    xl = (folder / "text_encoder_2").exists()
    if xl:
        classes["text_encoder_2"] = CLIPTextModelWithProjection
    parts = [load_strictly(cls, folder / name, variant) for name, cls in classes.items()]
    if arguments.forward:
        forward(*parts)
    del parts
    whole = StableDiffusionXLInstructPix2PixPipeline if xl else StableDiffusionInstructPix2PixPipeline
    pipeline = whole.from_pretrained(folder, variant=variant)
    index = json.loads((folder / "model_index.json").read_text())
    assert type(pipeline).__name__ == index["_class_name"]
    ids = pipeline.tokenizer("Make it NIGHT, with snow; 夜にして!").input_ids
    print(f"pipeline: {type(pipeline).__name__}, scheduler {type(pipeline.scheduler).__name__}, "
          f"{len(pipeline.tokenizer)} tokens, a sentence is {ids}")


main()
