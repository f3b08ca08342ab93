"""CLIP's published vocabulary, and 10,000 lines of mixed scripts with the ids that transformers.CLIPTokenizer gives them.

    pip download --no-deps open-clip-torch==3.3.0 && unzip -p open_clip_torch-*.whl open_clip/bpe_simple_vocab_16e6.txt.gz > bpe.gz
    python tests/oracle/published_tokenizer.py bpe.gz OUT
    npx tsx tests/oracle/compare-tokenizer.mts OUT

The vocabulary (MIT, OpenAI and the open_clip authors) is not in this repository: OUT is written from the file that is named.
"""

import gzip
import json
import sys
from pathlib import Path

from transformers import CLIPTokenizer

from tiny_tokenizer import BOS, EOS, clip_byte_alphabet, write_folder
from tokenizer_cases import WRITTEN, random_lines

LINES, SIZE = 10_000, 49_408


def main():
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    alphabet = clip_byte_alphabet()
    lines = gzip.open(source, "rt", encoding="utf-8").read().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : SIZE - 2 * len(alphabet) - 2 + 1]]
    tokens = alphabet + [byte + "</w>" for byte in alphabet] + [left + right for left, right in merges] + [BOS, EOS]
    assert len(set(tokens)) == SIZE, len(set(tokens))
    write_folder(folder, {token: index for index, token in enumerate(tokens)}, merges, max_length=77)

    written = WRITTEN.strip().replace("\n", "|").split("|")
    texts = [*written, *random_lines(LINES - len(written), seed=2023)]
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    cases = [{"text": text, "ids": tokenizer(text, truncation=True, max_length=77).input_ids} for text in texts]
    (folder / "cases.json").write_text(json.dumps(cases))
    print(f"{len(cases)} lines, {len(tokenizer)} tokens, 'a cat' is {tokenizer('a cat').input_ids}")


main()
