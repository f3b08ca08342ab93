"""Regenerate tests/fixtures: `python tests/oracle/make_fixtures.py [NAME…]` (torch, diffusers, transformers, tokenizers).

Every value comes from a seed written here, and every reference is computed in float64 unless its module says otherwise.
"""

import shutil
import sys
from pathlib import Path

import torch

import scheduler_traces
import tiny_autoencoder
import tiny_ip2p
import tiny_mini
import tiny_pair_encoder
import tiny_sdxl
import tokenizer_cases

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
MAKERS = {
    "tiny-ip2p": tiny_ip2p.make,
    "tiny-mini": tiny_mini.make,
    "tiny-sdxl": tiny_sdxl.make,
    "tiny-pair-encoder": tiny_pair_encoder.make,
    "autoencoder-tiny": tiny_autoencoder.make,
    "tokenizer": lambda folder: tokenizer_cases.make(folder, FIXTURES / "tiny-ip2p" / "tokenizer"),
    "schedulers": scheduler_traces.make,
}


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MAKERS:
        make = MAKERS[name]
        folder = FIXTURES / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{name}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
