"""fixtures/tiny-sdxl: Stable Diffusion XL's InstructPix2Pix shrunk, with the results of diffusers' pipeline.

Two text encoders, the second with a projection; the second tokenizer pads with `!`; time, size and pooled text in one
embedding; transformer blocks of one and two layers; an absent text is zeros.
"""

import json
from pathlib import Path

import torch
from diffusers import (AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler, StableDiffusionXLInstructPix2PixPipeline,
                       UNet2DConditionModel)
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

import tiny_tokenizer
from clip_checkpoint import save_clip
from expected_file import Expected
from seeded_weights import draw, draw_image, fill
from tiny_ip2p import add_losses
from tiny_mini import halve

POSITIONS, PROJECTION, POOLED, NUMBER = 77, 12, 8, 8
WIDTHS = (16, 24)
HEIGHT, WIDTH = 32, 64
PROMPT = "make it night, strongly darker!"


def text_config(vocabulary: int, width: int, layers: int, **changes):
    return CLIPTextConfig(**{
        "vocab_size": vocabulary, "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": layers,
        "num_attention_heads": 2, "max_position_embeddings": POSITIONS, "projection_dim": PROJECTION,
        "hidden_act": "quick_gelu", "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, **changes,
    })


def unet():
    return UNet2DConditionModel(
        sample_size=16, in_channels=8, out_channels=4, block_out_channels=(8, 8, 16), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2), attention_head_dim=(1, 2, 4), norm_num_groups=4,
        cross_attention_dim=sum(WIDTHS), use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=NUMBER, projection_class_embeddings_input_dim=POOLED + 6 * NUMBER,
    )


def vae():
    return AutoencoderKL(
        sample_size=64, latent_channels=4, norm_num_groups=4, layers_per_block=1, block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=0.13025,
        force_upcast=True,
    )


def make(folder: Path):
    vocabulary = tiny_tokenizer.save(folder / "tokenizer", POSITIONS, merge_count=100)
    tiny_tokenizer.save(folder / "tokenizer_2", POSITIONS, merge_count=100, pad_token="!")
    tokenizers = [CLIPTokenizer.from_pretrained(folder / name) for name in ("tokenizer", "tokenizer_2")]

    first_config = text_config(vocabulary, WIDTHS[0], layers=2)
    clip = fill(CLIPModel(CLIPConfig(
        text_config=first_config.to_dict(), projection_dim=PROJECTION,
        vision_config={"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "image_size": 32, "patch_size": 8, "projection_dim": PROJECTION, "hidden_act": "quick_gelu"},
    )), seed=201)
    first = CLIPTextModel(first_config).eval()
    first.load_state_dict({name.removeprefix("text_model."): value for name, value in clip.state_dict().items()
                           if name.startswith("text_model.")})
    second = fill(CLIPTextModelWithProjection(
        text_config(vocabulary, WIDTHS[1], layers=3, projection_dim=POOLED, hidden_act="gelu")), seed=202)
    clip, first = halve(clip, folder / "clip"), halve(first, folder / "text_encoder")
    second.half()
    save_clip(second, folder / "text_encoder_2")
    preprocessor = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
    (folder / "clip" / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")

    denoiser, autoencoder = halve(fill(unet(), seed=203), folder / "unet"), halve(fill(vae(), seed=204), folder / "vae")
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading")
    scheduler.save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionXLInstructPix2PixPipeline", "_diffusers_version": "0.42.1",
        "force_zeros_for_empty_prompt": True, "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    defaults = {"resolution": 64, "sampler": {"steps": 3}, "inversion": {"steps": 20, "learning_rate": 0.05, "batch_size": 2}}
    (folder / "visii.json").write_text(json.dumps(defaults, indent=2) + "\n")

    pipeline = StableDiffusionXLInstructPix2PixPipeline(
        vae=autoencoder, text_encoder=first, text_encoder_2=second.double(), tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1], unet=denoiser, add_watermarker=False,
        scheduler=DDIMScheduler.from_config(scheduler.config, clip_sample=False))
    pipeline.set_progress_bar_config(disable=True)
    expect(folder, pipeline, clip, scheduler.alphas_cumprod)


def expect(folder, pipeline, clip, alphas_cumprod):
    expected = Expected()
    tokenizers, denoiser, autoencoder = (pipeline.tokenizer, pipeline.tokenizer_2), pipeline.unet, pipeline.vae
    prompts = ["a watercolor painting of a mountain lake", "", PROMPT]
    ids = [each(prompts, padding="max_length", max_length=POSITIONS, truncation=True, return_tensors="pt").input_ids
           for each in tokenizers]
    assert not torch.equal(*ids)
    eos_index = ids[0][0].tolist().index(tokenizers[0].eos_token_id)
    hidden, zeros, pooled, pooled_zeros = (value.float().double() for value in pipeline.encode_prompt(
        prompts, device="cpu", do_classifier_free_guidance=True))
    assert not zeros.any() and not pooled_zeros.any()
    expected.add("inputs.text", {"ids": ids[0], "ids_2": ids[1], "eos_index": eos_index})
    expected.add("outputs.text", {"last_hidden_state": hidden, "pooled": pooled})

    pixels = draw((2, 3, 32, 32), seed=210)
    expected.add("inputs.clip", {"pixel_values": pixels})
    vision = clip.vision_model(pixel_values=pixels)
    expected.add("outputs.clip", {"image_embeds": clip.visual_projection(vision.pooler_output)})

    image = draw_image((2, 3, HEIGHT, WIDTH), seed=211)
    mode = autoencoder.encode(image).latent_dist.mode().float().double()
    expected.add("inputs.vae", {"image": image})
    expected.add("outputs.vae", {"mode": mode, "decoded": autoencoder.decode(mode).sample})

    def added(pooled):
        size = torch.tensor([[HEIGHT, WIDTH, 0, 0, HEIGHT, WIDTH]], dtype=torch.float64)
        return {"text_embeds": pooled, "time_ids": size.expand(len(pooled), 6)}

    sample, steps, context = draw((2, 8, 4, 8), seed=212), torch.tensor([801, 37]), hidden[:2]
    expected.add("inputs.unet", {"sample": sample, "timesteps": steps, "encoder_hidden_states": context,
                                 "pooled": pooled[:2]})
    expected.add("outputs.unet", {"sample": denoiser(sample, steps, encoder_hidden_states=context,
                                                     added_cond_kwargs=added(pooled[:2])).sample})

    last_layer, norm = pipeline.text_encoder.encoder.layers[-1], pipeline.text_encoder.final_layer_norm
    future = torch.full((POSITIONS, POSITIONS), -torch.inf, dtype=torch.float64).triu(1)[None, None]

    def clip_state(embedding):
        out = last_layer(embedding[..., :WIDTHS[0]], future)
        return norm(out[0] if isinstance(out, tuple) else out)

    whole = pipeline.text_encoder(ids[0], output_hidden_states=True)
    assert torch.allclose(clip_state(whole.hidden_states[-2]), whole.last_hidden_state)
    expected.add("inputs.loss", {"pooled": pooled[:1]})
    add_losses(expected, denoiser, clip.text_projection.weight, alphas_cumprod, "epsilon", hidden[:1],
               zeros[:1], eos_index, size=(1, 4, 4, 8), timesteps=(37, 801), added=(added(pooled[:1]), added(pooled_zeros[:1])),
               clip_state=clip_state)

    # A complete edit by diffusers' pipeline, with its text, image condition, zeros and guidance.
    start = draw((1, 4, 4, 8), seed=213)
    edited = pipeline(prompt=PROMPT, image=(image[:1] + 1) / 2, height=HEIGHT, width=WIDTH, num_inference_steps=3,
                      guidance_scale=4.0, image_guidance_scale=1.5, latents=start.clone(), output_type="latent").images
    expected.add("inputs.edit", {"latents": start})
    expected.add("outputs.edit", {"latents": edited})
    expected.save(folder / "expected.safetensors")
