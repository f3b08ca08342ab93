"""fixtures/tiny-captioner: an image captioner (ViT + GPT-2) shrunk, in the folder layout that transformers.js reads.

Two ONNX graphs under the names that optimum gives them, config, preprocessor and tokenizer; `expected.json` has the caption that
transformers generates greedily for a picture of the model's own size. Random weights: the caption is a babble of words.
"""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (DynamicCache, EncoderDecoderCache, GPT2Config, GPT2LMHeadModel, VisionEncoderDecoderModel,
                          ViTConfig, ViTModel)

from seeded_weights import fill

SIDE, LENGTH = 32, 8
WORDS = "a the red blue green cat dog house tree sky sea man woman on in under with and of small large old".split()
END = "<|endoftext|>"


def tokenizer(folder: Path) -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary, merges = {token: index for index, token in enumerate([*alphabet, END])}, []
    for word in WORDS:
        left = "Ġ"
        for letter in word:
            if left + letter not in vocabulary:
                vocabulary[left + letter] = len(vocabulary)
                merges.append((left, letter))
            left += letter
    made = Tokenizer(models.BPE(vocabulary, merges))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.add_special_tokens([END])
    made.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "GPT2Tokenizer", "bos_token": END, "eos_token": END, "unk_token": END,
              "model_max_length": 64}
    write_json(folder / "tokenizer_config.json", config)
    return made


class Decoder(torch.nn.Module):
    """One step of the decoder: token ids behind `past`, keys and values of all tokens so far as `present`."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, encoder_hidden_states, *past):
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        for layer, (key, value) in enumerate(zip(past[::2], past[1::2])):
            cache.self_attention_cache.update(key, value, layer)
        positions = past[0].shape[2] + torch.arange(input_ids.shape[1])[None]
        out = self.model(input_ids=input_ids, encoder_hidden_states=encoder_hidden_states, past_key_values=cache,
                         position_ids=positions, use_cache=True)
        layers = out.past_key_values.self_attention_cache.layers
        return out.logits, *(tensor for layer in layers for tensor in (layer.keys, layer.values))


class Encoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).last_hidden_state


def export(model, arguments, file: Path, inputs, outputs, dynamic):
    torch.onnx.export(model, arguments, file, input_names=inputs, output_names=outputs, dynamic_axes=dynamic,
                      opset_version=17, dynamo=False)


def make(folder: Path):
    words = tokenizer(folder)
    end = words.token_to_id(END)
    vision = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
                       image_size=SIDE, patch_size=8, attn_implementation="eager")
    language = GPT2Config(vocab_size=words.get_vocab_size(), n_embd=16, n_layer=2, n_head=2, n_positions=64,
                          add_cross_attention=True, tie_word_embeddings=False, bos_token_id=end, eos_token_id=end, attn_implementation="eager")
    # Putting the two together draws their weights anew, so they are filled afterwards.
    whole = VisionEncoderDecoderModel(encoder=ViTModel(vision, add_pooling_layer=False), decoder=GPT2LMHeadModel(language))
    encoder, decoder = fill(whole.encoder, seed=301), fill(whole.decoder, seed=302)
    with torch.no_grad():
        # Single bytes and the end are unlikely, so that the babble can be read.
        decoder.lm_head.weight[:end + 1] *= 0.1
    whole.config.decoder_start_token_id = whole.config.eos_token_id = whole.config.pad_token_id = end
    write_json(folder / "config.json", {
        "model_type": "vision-encoder-decoder", "is_encoder_decoder": True, "architectures": ["VisionEncoderDecoderModel"],
        "encoder": {"model_type": "vit", **pick(vision, "hidden_size", "num_hidden_layers", "num_attention_heads")},
        "decoder": {"model_type": "gpt2", "add_cross_attention": True, **pick(language, "vocab_size", "n_embd", "n_layer", "n_head")},
        "decoder_start_token_id": end, "eos_token_id": end, "pad_token_id": end})
    write_json(folder / "generation_config.json", {
        "bos_token_id": end, "decoder_start_token_id": end, "eos_token_id": end, "pad_token_id": end, "max_length": 20})
    write_json(folder / "preprocessor_config.json", {
        "image_processor_type": "ViTImageProcessor", "do_normalize": True, "do_rescale": True, "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2, "rescale_factor": 1 / 255,
        "size": {"height": SIDE, "width": SIDE}})

    (folder / "onnx").mkdir()
    picture = gradient()
    pixels = picture[None].float() / 127.5 - 1
    export(Encoder(encoder), (pixels,), folder / "onnx" / "encoder_model.onnx", ["pixel_values"], ["last_hidden_state"],
           {"pixel_values": {0: "batch_size"}, "last_hidden_state": {0: "batch_size"}})
    hidden = Encoder(encoder)(pixels)
    past = [torch.zeros(1, 2, 3, 8) for _ in range(2 * language.n_layer)]
    parts = [f"{layer}.{part}" for layer in range(language.n_layer) for part in ("key", "value")]
    dynamic = {"input_ids": {0: "batch_size", 1: "decoder_sequence_length"}, "logits": {0: "batch_size", 1: "decoder_sequence_length"},
               "encoder_hidden_states": {0: "batch_size", 1: "encoder_sequence_length"}}
    dynamic |= {f"past_key_values.{part}": {0: "batch_size", 2: "past_decoder_sequence_length"} for part in parts}
    dynamic |= {f"present.{part}": {0: "batch_size", 2: "past_decoder_sequence_length + 1"} for part in parts}
    export(Decoder(decoder), (torch.tensor([[end]]), hidden, *past), folder / "onnx" / "decoder_model_merged.onnx",
           ["input_ids", "encoder_hidden_states", *(f"past_key_values.{part}" for part in parts)],
           ["logits", *(f"present.{part}" for part in parts)], dynamic)

    # The exporter leaves the wrappers, and what is in them, as it found them: training.
    ids = whole.eval().generate(pixels, max_new_tokens=LENGTH, do_sample=False, num_beams=1)[0]
    caption = words.decode(ids.tolist(), skip_special_tokens=True).strip()
    write_json(folder / "expected.json", {"tokens": LENGTH, "caption": caption})
    print("caption:", caption)


def gradient() -> torch.Tensor:
    """uint8 [3, SIDE, SIDE]: red grows to the right, green downwards, blue is level."""
    ramp = torch.arange(SIDE) * 8
    return torch.stack([ramp[None, :].expand(SIDE, SIDE), ramp[:, None].expand(SIDE, SIDE), torch.full((SIDE, SIDE), 100)])


def pick(config, *names):
    return {name: getattr(config, name) for name in names}


def write_json(file: Path, value):
    file.write_text(json.dumps(value, indent=2) + "\n")
