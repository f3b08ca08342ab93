import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { VisibleError } from "../shared/errors.ts";
import { showBytes } from "../shared/show-bytes.ts";

/**
 * GPU memory in bytes that each lane uses in addition to its sessions: CUDA's context, kernels and
 * workspaces.
 */
const laneOverhead = 0.8e9;

interface Card {
  readonly name: string;
  /** Bytes. */
  readonly memory: number;
}

/**
 * Parses `nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits`: one line per GPU, name and
 * MiB.
 */
export function parseCards(text: string): readonly Card[] {
  return text
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [, name, mebibytes] = /^(.+), (\d+)$/.exec(line.trim()) ?? [];
      return name && mebibytes ? [{ name, memory: Number(mebibytes) * 2 ** 20 }] : [];
    });
}

/** @throws VisibleError if the lanes' shares exceed the GPU's memory */
export function requireCardMemory(card: Card, shares: readonly number[]): void {
  const wanted = shares.reduce((sum, share) => sum + share + laneOverhead, 0);
  if (wanted <= card.memory) return;
  throw new VisibleError(
    "not_enough_memory",
    `The ${card.name} has ${showBytes(card.memory)} of memory, but ${shares.length === 1 ? "one lane needs" : `${shares.length} lanes need`} ${showBytes(wanted)}; lower VISII_LANE_MEMORY or use a larger GPU.`,
  );
}

/** @throws VisibleError if nvidia-smi does not report the GPU */
export async function askCard(index: number, tool = "nvidia-smi"): Promise<Card> {
  const words = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"];
  try {
    const card = parseCards((await promisify(execFile)(tool, words)).stdout)[index];
    if (card) return card;
    throw new Error(`GPU ${index} not found`);
  } catch (cause) {
    throw new VisibleError(
      "device_unavailable",
      `${tool} did not report the memory of GPU ${index} (${cause instanceof Error ? cause.message.split("\n")[0] : cause}); unset VISII_LANE_MEMORY to skip this check.`,
      { cause },
    );
  }
}
