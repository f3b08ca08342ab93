#!/bin/sh
# Says what onnxruntime's CUDA provider lacks in this image, and which image has it; fails when anything is missing.
#   provider-libraries.sh .../libonnxruntime_providers_cuda.so
set -eu
provider=$1

# What it is linked against. The driver's own library comes from the machine, when the container runs.
linked=$(ldd "$provider")
echo "$linked"
missing=$(echo "$linked" | awk '/not found/ && $1 !~ /^libcuda\.so/ { print $1 }')

# What it opens by name at the first convolution: without it the provider loads, and computes none. (A program of its own is
# started, because a shell's builtin loads nothing.)
if LD_PRELOAD=libcudnn.so.9 /bin/true 2>&1 | grep -q 'cannot be preloaded'; then missing="$missing libcudnn.so.9"; fi

if [ -n "$missing" ]; then
  major=$(echo "$linked" | sed -n 's/^[[:space:]]*libcudart\.so\.\([0-9]*\) .*/\1/p')
  case $major in
    12) image=nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04 ;;
    13) image=nvidia/cuda:13.0.2-cudnn-runtime-ubuntu24.04 ;;
    *) image="one of nvidia/cuda that has CUDA $major and cuDNN 9" ;;
  esac
  echo "The CUDA provider of onnxruntime was built for CUDA $major; not found in this image:" $missing >&2
  echo "Set ARG CUDA_IMAGE in gpu-worker/Dockerfile (or --build-arg CUDA_IMAGE=...) to $image." >&2
  exit 1
fi
