"""A CLIP-style byte-level BPE with a small vocabulary, in the four files of Stable Diffusion."""

import json
from collections import Counter
from pathlib import Path

from tokenizers import Regex, normalizers, pre_tokenizers

BOS, EOS = "<|startoftext|>", "<|endoftext|>"

CORPUS = """
make it a watercolor painting of a mountain lake at sunset, make the photo look like an old faded photograph,
turn it into a pencil sketch, add snow on the ground, make it night, a cat sitting on a wooden table, a dog in the park,
warm golden light, cold blue light, more contrast, less contrast, strongly darker, slightly brighter, blur the picture,
sharpen the image, sepia tone, black and white, thermal camera, neon edges, posterize with four levels, pixelate,
vintage film with vignette, teal and orange, green tint, swap the red and blue channels, invert the colours,
it's a photo that we've taken, they're the painter's brushes, I'd say he'll make what isn't there, I'm sure you can't,
the quick brown fox jumps over the lazy dog, turn the sky into the sea, turn the leaves into gold, painting, paintings,
photographs, photography, wooden house by the river, people walking in the street under the rain, flowers in a garden,
naïve café façade, über groß, el niño y la montaña, déjà vu, le château, ещё одна картина, 東京の夜, картина, ночь
"""


WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def words_of(text: str) -> Counter[tuple[str, ...]]:
    """Counts each word, as its byte symbols with `</w>` after the last one."""
    splitter = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])
    normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    pieces = [piece for piece, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]
    return Counter((*piece[:-1], piece[-1] + "</w>") for piece in pieces)


def join(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    joined, index = [], 0
    while index < len(word):
        step = 2 if word[index : index + 2] == pair else 1
        joined.append("".join(word[index : index + step]))
        index += step
    return tuple(joined)


def train(merge_count: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Byte-pair encoding, ties broken by the pair itself (the library's trainer breaks them by chance).

    The vocabulary is in CLIP's own order: bytes, bytes + </w>, merges, then the two special tokens.
    """
    words, merges = words_of(CORPUS), []
    while len(merges) < merge_count:
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        rejoined = Counter()
        for word, count in words.items():
            rejoined[join(word, best)] += count
        words = rejoined
    alphabet = clip_byte_alphabet()
    tokens = alphabet + [byte + "</w>" for byte in alphabet] + [left + right for left, right in merges] + [BOS, EOS]
    assert len(set(tokens)) == len(tokens)
    return {token: index for index, token in enumerate(tokens)}, merges


def clip_byte_alphabet() -> list[str]:
    """256 printable characters that represent bytes: the printable Latin-1 characters first, then the rest from U+0100."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def save(folder: Path, max_length: int, merge_count: int = 300, pad_token: str = EOS) -> int:
    """Train a vocabulary and write its folder; return its size."""
    vocabulary, merges = train(merge_count)
    write_folder(folder, vocabulary, merges, max_length, pad_token)
    return len(vocabulary)


def write_folder(folder: Path, vocabulary, merges, max_length: int, pad_token: str = EOS):
    """Write vocab.json, merges.txt, tokenizer_config.json, special_tokens_map.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":")), "utf-8")
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges), "utf-8"
    )

    def added(content):
        return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}

    config = {
        "add_prefix_space": False,
        "bos_token": {"__type": "AddedToken", **added(BOS)},
        "do_lower_case": True,
        "eos_token": {"__type": "AddedToken", **added(EOS)},
        "errors": "replace",
        "model_max_length": max_length,
        "pad_token": pad_token,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": {"__type": "AddedToken", **added(EOS)},
    }
    special = {"bos_token": added(BOS), "eos_token": added(EOS), "pad_token": pad_token, "unk_token": added(EOS)}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
