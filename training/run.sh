#!/usr/bin/env bash
# The bundled model from nothing to models/mini, in one command. Every step is skipped where its result is there, and
# training goes on from its last checkpoint, so running it again after a stop is right.
#
#   training/run.sh                                   # two CPU cores, about an hour and three quarters
#   DEVICE=cuda MINUTES=25 training/run.sh             # one GPU, and a dozen cores beside it
#
# Wants: Debian or a relative of it (apt-get download), npm, and a Python 3.11+ with training/requirements.txt.
set -euo pipefail
cd "$(dirname "$0")"
DEVICE=${DEVICE:-cpu}
MINUTES=${MINUTES:-90}
export TOKENIZERS_PARALLELISM=false
PYTHON=${PYTHON:-python3}
export VISII_TRAINING_CACHE=${VISII_TRAINING_CACHE:-$PWD/.cache}
cache=$VISII_TRAINING_CACHE
mkdir -p "$cache"

# glibc's allocator hands memory back and faults it in again all the time: half of a core. Its default settings are the right ones.
jemalloc=$(ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1 || true)
if [ -n "$jemalloc" ]; then export LD_PRELOAD=$jemalloc; else echo "libjemalloc2 is not installed: training on a CPU will be slower"; fi

"$PYTHON" photos.py install
[ -f "$cache/train.npy" ] || "$PYTHON" photos.py build
[ -f "$cache/autoencoder.pt" ] || "$PYTHON" autoencoder.py --minutes 4 --device "$DEVICE"
if [ "$DEVICE" = cuda ]; then
  "$PYTHON" train.py --device cuda --workers 1 --threads 4 --planners 12 --minutes "$MINUTES" \
    --batch64 2048 --batch128 512 --batch256 128 --small 0.25 --large 0.25 --lr 3e-3
else
  "$PYTHON" train.py --workers 2 --minutes "$MINUTES" --batch64 48 --batch128 16 --batch256 4 --lr 2e-3
fi
"$PYTHON" evaluate.py --jobs 2
"$PYTHON" export.py ../models/mini
"$PYTHON" card.py ../models/mini
"$PYTHON" make_demo.py ../demo
"$PYTHON" make_evaluation_set.py ../evaluation-set
# The card's figures of what is learned, through the product.
cd ..
unset LD_PRELOAD
node cli/bin.js eval evaluation-set --method unedited,text,learned,learned-4 --out "$cache/evaluation-results"
npx tsx docs/insert-results.ts "$cache/evaluation-results"
