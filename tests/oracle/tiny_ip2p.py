"""fixtures/tiny-ip2p: timbrooks/instruct-pix2pix shrunk: the same classes, config keys and tensor names, seeded weights."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerAncestralDiscreteScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import tiny_tokenizer
from clip_checkpoint import save_clip
from expected_file import Expected
from inversion_loss import inversion_loss, keys_values_loss, keys_values_width
from seeded_weights import draw, draw_image, fill

WIDTH, POSITIONS, PROJECTION = 32, 77, 24


def text_config(vocabulary: int, **changes):
    return CLIPTextConfig(**{
        "vocab_size": vocabulary, "hidden_size": WIDTH, "intermediate_size": 80, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": POSITIONS, "projection_dim": PROJECTION,
        "hidden_act": "quick_gelu", "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, **changes,
    })


def unet():
    return UNet2DConditionModel(
        sample_size=16, in_channels=8, out_channels=4, block_out_channels=(16, 16, 24), layers_per_block=2,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        norm_num_groups=8, attention_head_dim=8, cross_attention_dim=WIDTH,
    )


def vae():
    return AutoencoderKL(
        sample_size=64, latent_channels=4, norm_num_groups=4, layers_per_block=1, block_out_channels=(8, 8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=0.18215,
    )


def legacy_attention_names(weights):
    """The names of diffusers < 0.15, which the published instruct-pix2pix autoencoder still has."""
    pairs = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    renamed = {}
    for name, value in weights.items():
        for new, old in pairs.items():
            name = name.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
        renamed[name] = value
    return renamed


def make(folder: Path):
    vocabulary = tiny_tokenizer.save(folder / "tokenizer", POSITIONS)
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")

    clip = fill(CLIPModel(CLIPConfig(
        text_config=text_config(vocabulary).to_dict(), projection_dim=PROJECTION,
        vision_config={"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3,
                       "image_size": 32, "patch_size": 8, "projection_dim": PROJECTION, "hidden_act": "quick_gelu"},
    )), seed=1)
    text = CLIPTextModel(text_config(vocabulary)).eval()
    text.load_state_dict({name.removeprefix("text_model."): value for name, value in clip.state_dict().items()
                          if name.startswith("text_model.")})
    save_clip(clip, folder / "clip")
    save_clip(text, folder / "text_encoder")
    preprocessor = {
        "crop_size": 32, "do_center_crop": True, "do_normalize": True, "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 32,
    }
    (folder / "clip" / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")

    denoiser, autoencoder = fill(unet(), seed=2), fill(vae(), seed=3)
    denoiser.save_pretrained(folder / "unet")
    autoencoder.save_pretrained(folder / "vae")
    autoencoder.save_config(folder / "vae_legacy_names")
    save_file(legacy_attention_names(load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")),
              folder / "vae_legacy_names" / "diffusion_pytorch_model.safetensors", {"format": "pt"})

    scheduler = EulerAncestralDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1,
        prediction_type="epsilon", timestep_spacing="leading",
    )
    scheduler.save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionInstructPix2PixPipeline", "_diffusers_version": "0.42.1",
        "feature_extractor": [None, None], "safety_checker": [None, None],
        "scheduler": ["diffusers", "EulerAncestralDiscreteScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    defaults = {"resolution": 64, "sampler": {"steps": 3}, "inversion": {"steps": 20, "learning_rate": 0.05, "batch_size": 2}}
    (folder / "visii.json").write_text(json.dumps(defaults, indent=2) + "\n")

    # The same text encoder in bfloat16, with transformers 5's names, computed with its rounded weights.
    rounded = CLIPTextModel(text_config(vocabulary)).eval()
    rounded.load_state_dict({name: value.bfloat16().float() for name, value in text.state_dict().items()})
    save_clip(rounded.bfloat16(), folder / "text_encoder_bf16", published_names=False)

    expect(folder, tokenizer, clip.double(), text.double(), rounded.double(), denoiser.double(), autoencoder.double(),
           scheduler.alphas_cumprod)


def expect(folder, tokenizer, clip, text, rounded_text, denoiser, autoencoder, alphas_cumprod):
    expected = Expected()
    prompts = ["a watercolor painting of a mountain lake", "", "make it night, strongly darker!"]
    ids = tokenizer(prompts, padding="max_length", max_length=POSITIONS, truncation=True, return_tensors="pt").input_ids
    eos_index = ids[0].tolist().index(tokenizer.eos_token_id)
    hidden = text(ids).last_hidden_state.float().double()
    expected.add("inputs.text", {"ids": ids, "eos_index": eos_index})
    expected.add("outputs.text", {
        "last_hidden_state": hidden,
        "projected_mean": hidden.mean(dim=1) @ clip.text_projection.weight.T,
    })
    expected.add("outputs.text_bf16", {"last_hidden_state": rounded_text(ids).last_hidden_state})

    pixels = draw((2, 3, 32, 32), seed=10)
    vision = clip.vision_model(pixel_values=pixels)
    expected.add("inputs.clip", {"pixel_values": pixels})
    expected.add("outputs.clip", {"last_hidden_state": vision.last_hidden_state,
                                  "image_embeds": clip.visual_projection(vision.pooler_output)})

    image = draw_image((2, 3, 32, 64), seed=11)
    mode = autoencoder.encode(image).latent_dist.mode().float().double()
    expected.add("inputs.vae", {"image": image})
    expected.add("outputs.vae", {"mode": mode, "decoded": autoencoder.decode(mode).sample})

    sample, steps, context = draw((2, 8, 8, 16), seed=12), torch.tensor([801, 37]), hidden[:2]
    expected.add("inputs.unet", {"sample": sample, "timesteps": steps, "encoder_hidden_states": context})
    expected.add("outputs.unet", {"sample": denoiser(sample, steps, encoder_hidden_states=context).sample})

    add_losses(expected, denoiser, clip.text_projection.weight.double(), alphas_cumprod, "epsilon", hidden[:1],
               hidden[1:2], eos_index, size=(1, 4, 8, 16), timesteps=(37, 801))
    expected.save(folder / "expected.safetensors")


def add_losses(expected, denoiser, text_projection, alphas_cumprod, prediction_type, instruction, null_text, eos_index,
               *, size, timesteps, added=(None, None), clip_state=lambda embedding: embedding):
    """One loss per timestep. In the last one, the direction is that of the text, so that L_clip's clamp is active."""
    expected.add("inputs.noise_schedule", {"alphas_cumprod": alphas_cumprod})
    for case, timestep in enumerate(timesteps):
        pooled = text_projection @ clip_state(instruction).mean(dim=1)[0]
        direction = draw((text_projection.shape[0],), seed=20 + case)
        direction = direction / direction.norm() + (3 * pooled / pooled.norm() if case == len(timesteps) - 1 else 0)
        direction = (direction / direction.norm()).float().double()
        inputs = {
            "instruction": instruction, "null_text": null_text, "eos_index": torch.tensor(eos_index),
            "after": draw(size, seed=30 + case), "before": draw(size, seed=40 + case, scale=3.0),
            "noise": draw(size, seed=50 + case), "timestep": torch.tensor(timestep), "direction": direction,
        }
        expected.add(f"inputs.loss.{case}", inputs)
        arguments = {**inputs, "timestep": timestep, "eos_index": eos_index}
        expected.add(f"outputs.loss.{case}", inversion_loss(
            unet=denoiser, text_projection=text_projection, alphas_cumprod=alphas_cumprod,
            prediction_type=prediction_type, added=added, clip_state=clip_state, **arguments))
        del arguments["direction"]
        change = draw((eos_index - 1, keys_values_width(denoiser)), seed=60 + case, scale=0.3)
        kept = keys_values_loss(unet=denoiser, alphas_cumprod=alphas_cumprod, prediction_type=prediction_type,
                                change=change, added=added, **arguments)
        expected.add(f"inputs.kv.{case}", {"rows": kept.pop("rows")})
        expected.add(f"outputs.kv.{case}", kept)
