"""The model in training: diffusers' UNet, transformers' CLIP (whose text tower is the UNet's text encoder), and the pair
encoder."""
from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from pair_encoder import PairEncoder, ParameterEncoder
from phrases import CARRIER

LENGTH = 32  # token positions
HIDDEN = 128  # width of a token
VOCABULARY = 1280
CLIP_SIZE = 64  # pixels, of the image tower's input


def make_unet(latents: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=32, in_channels=2 * latents, out_channels=latents, layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 96, 128), cross_attention_dim=HIDDEN, attention_head_dim=4, norm_num_groups=8,
        resnet_time_scale_shift="scale_shift", addition_embed_type="text", addition_embed_type_num_heads=8,
    )


def make_clip(bos: int, eos: int, vocabulary: int) -> CLIPModel:
    text = dict(vocab_size=vocabulary, hidden_size=HIDDEN, intermediate_size=4 * HIDDEN, num_hidden_layers=2,
                num_attention_heads=4, max_position_embeddings=LENGTH, hidden_act="quick_gelu", projection_dim=64,
                bos_token_id=bos, eos_token_id=eos, pad_token_id=eos)
    vision = dict(hidden_size=96, intermediate_size=384, num_hidden_layers=3, num_attention_heads=4, image_size=CLIP_SIZE,
                  patch_size=8, hidden_act="quick_gelu", projection_dim=64)
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=64))


def make_tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP-style byte-pair tokenizer trained on the instructions, saved as vocab.json and merges.txt."""
    folder = Path(folder)
    if not (folder / "vocab.json").exists():
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
        tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix=""))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
                                                     normalizers.Lowercase()])
        split = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(split), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - 258, initial_alphabet=alphabet, min_frequency=2,
                                      end_of_word_suffix="</w>", show_progress=False)
        from looks import corpus
        tokenizer.train_from_iterator(corpus(), trainer)
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
        # CLIP's order: bytes, bytes that end a word, merges, then the two special tokens.
        words = alphabet + [a + "</w>" for a in alphabet]
        words += [w for w in ("".join(m) for m in merges) if w not in set(words)] + ["<|startoftext|>", "<|endoftext|>"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(dict.fromkeys(words))}, ensure_ascii=False))
        (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in merges))
        special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
                   "unk_token": "<|endoftext|>"}
        (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
        (folder / "tokenizer_config.json").write_text(json.dumps(
            {"tokenizer_class": "CLIPTokenizer", "model_max_length": LENGTH, "do_lower_case": True, "add_prefix_space": False,
             "errors": "replace", **special}, indent=2))
    return CLIPTokenizer.from_pretrained(folder)


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    return tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt").input_ids


def _norm_as_given(norm: nn.Module, x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        weight, bias = norm.weight.to(x.dtype), norm.bias.to(x.dtype)
        if isinstance(norm, nn.GroupNorm):
            return F.group_norm(x, norm.num_groups, weight, bias, norm.eps)
        return F.layer_norm(x, norm.normalized_shape, weight, bias, norm.eps)


class Mini(nn.Module):
    def __init__(self, latents: int, tokenizer: CLIPTokenizer, parameters: int):
        super().__init__()
        bos, eos, vocabulary = tokenizer.bos_token_id, tokenizer.eos_token_id, len(tokenizer)
        self.unet = make_unet(latents)
        self.clip = make_clip(bos, eos, vocabulary)
        # The carrier's number of tokens, between the first and the last.
        self.pair_encoder = PairEncoder(num_tokens=len(tokenizer(CARRIER).input_ids) - 2, cross_attention_dim=HIDDEN)
        self.parameter_encoder = ParameterEncoder(parameters, self.pair_encoder.config["num_tokens"], HIDDEN)
        self.eos = eos
        # PyTorch's fused attention is slow backwards on a CPU at these sizes; plain matrix products take half the time.
        self.unet.set_attn_processor(AttnProcessor())
        self.clip.set_attn_implementation("eager")

    def fuse(self) -> None:
        """For a GPU: fused attention, the memory layout for its convolutions, and norms in the precision of their input
        (autocast would convert each to float32 and back)."""
        self.unet.set_attn_processor(AttnProcessor2_0())
        self.clip.set_attn_implementation("sdpa")
        self.to(memory_format=torch.channels_last)
        for norm in (m for m in self.modules() if isinstance(m, (nn.GroupNorm, nn.LayerNorm))):
            norm.forward = partial(_norm_as_given, norm)

    def encode_text(self, ids: Tensor) -> Tensor:
        """Text conditioning of the UNet: the last hidden states, [B, 32, 128]."""
        return self.clip.text_model(input_ids=ids).last_hidden_state

    def ends(self, ids: Tensor) -> Tensor:
        return (ids == self.eos).int().argmax(1)

    def with_tokens(self, carrier: Tensor, tokens: Tensor) -> Tensor:
        """The carrier's states [LENGTH, 128], with an instruction's tokens [B, n, 128] in place of its own."""
        states = carrier.expand(len(tokens), -1, -1)
        return torch.cat([states[:, :1], tokens.to(states.dtype), states[:, 1 + tokens.shape[1]:]], 1)

    def predict(self, noisy: Tensor, condition: Tensor, t: Tensor, states: Tensor) -> Tensor:
        return self.unet(torch.cat([noisy, condition], 1), t, states).sample

    def image_features(self, images: Tensor) -> Tensor:
        """CLIP image embeddings of images in [0, 1], not normalized."""
        x = F.interpolate(images, (CLIP_SIZE, CLIP_SIZE), mode="bilinear", antialias=False) if images.shape[-1] != CLIP_SIZE else images
        return self.clip.visual_projection(self.clip.vision_model(pixel_values=(x - 0.5) / 0.25).pooler_output)

    def text_direction(self, states: Tensor) -> Tensor:
        """VISII's text embedding: the projection of the mean over all positions, normalized."""
        return F.normalize(self.clip.text_projection(states.mean(1)), dim=-1)


def schedule() -> Tensor:
    """Cumulative alphas: diffusers' scaled-linear betas, rescaled to zero terminal SNR. The scheduler config says the same."""
    from diffusers import DDIMScheduler
    return DDIMScheduler(**SCHEDULER).alphas_cumprod


SCHEDULER = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
                 prediction_type="v_prediction", timestep_spacing="trailing", rescale_betas_zero_snr=True,
                 clip_sample=False, set_alpha_to_one=True, steps_offset=0)
