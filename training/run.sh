#!/usr/bin/env bash
# Trains the bundled model, from the photos to a model folder. Steps whose result exists are skipped, and training resumes from its last
# checkpoint, so the command can be repeated after an interruption.
#
#   training/run.sh                                   # two CPU cores, four hours
#   DEVICE=cuda MINUTES=12 training/run.sh             # one GPU
#
# Requires Debian or a derivative (apt-get download), npm, the git history, and Python 3.11+ with training/requirements.txt.
set -euo pipefail
cd "$(dirname "$0")"
DEVICE=${DEVICE:-cpu}
MINUTES=${MINUTES:-92}  # of each of the first two runs; the third takes less than half
OUT=${OUT:-$PWD/.cache/mini}
export TOKENIZERS_PARALLELISM=false
PYTHON=${PYTHON:-python3}
export VISII_TRAINING_CACHE=${VISII_TRAINING_CACHE:-$PWD/.cache}
cache=$VISII_TRAINING_CACHE
mkdir -p "$cache"

# glibc's allocator repeatedly returns memory and faults it in again, which costs half of a core. jemalloc does not, with its defaults.
jemalloc=$(ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1 || true)
if [ -n "$jemalloc" ]; then export LD_PRELOAD=$jemalloc; else echo "libjemalloc2 is not installed: training on a CPU will be slower"; fi

"$PYTHON" photos.py install
[ -f "$cache/train.npy" ] || "$PYTHON" photos.py build
"$PYTHON" teachers.py install
# Training starts from the model of version 0.1, which edits colors.
if [ ! -d "$cache/start" ]; then
  mkdir "$cache/start"
  git -C .. archive f1a1cfc models/mini | tar -x --strip-components=2 -C "$cache/start"
fi
if [ "$DEVICE" = cuda ]; then
  settings=(--device cuda --workers 1 --threads 4 --groups64 512 --groups128 128 --groups256 32)
  first=3e-3 second=2e-3 smaller=()
else
  settings=(--workers 2 --groups64 24 --groups128 8 --groups256 2)
  first=2e-3 second=1.5e-3 smaller=(--groups64 12 --groups128 6)
fi
# The second run uses words and pairs alone, because the first run's pair encoder is good enough.
"$PYTHON" train.py "${settings[@]}" --run "$cache/first" --minutes "$MINUTES" --small 0.5 --large 0.2 --lr $first
[ -d "$cache/first/model" ] || "$PYTHON" export.py "$cache/first/model" --run "$cache/first"
"$PYTHON" train.py "${settings[@]}" --run "$cache/run" --start "$cache/first/model" --minutes "$MINUTES" --small 0.3 --large 0.3 --lr $second
[ -d "$cache/run/model" ] || "$PYTHON" export.py "$cache/run/model" --run "$cache/run"
# The third run teaches the UNet strokes, with a discriminator.
"$PYTHON" train.py "${settings[@]}" "${smaller[@]}" --run "$cache/strokes" --start "$cache/run/model" --minutes $((MINUTES * 45 / 100)) \
  --small 0.55 --large 0.12 --lr 5e-4 --adversarial 0.8
"$PYTHON" preview.py --run strokes
"$PYTHON" export.py "$OUT" --run "$cache/strokes"
