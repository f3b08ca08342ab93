import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { VisibleError } from "../shared/errors.ts";
import { showBytes } from "../shared/show-bytes.ts";

/** Bytes of a card that each lane takes beside its sessions: CUDA's context, the libraries' kernels and workspaces. */
export const laneOverhead = 0.8e9;

interface Card {
  readonly name: string;
  /** Bytes. */
  readonly memory: number;
}

/** Reads `nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits`, a line for each card: name, MiB. */
export function parseCards(text: string): readonly Card[] {
  return text
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [, name, mebibytes] = /^(.+), (\d+)$/.exec(line.trim()) ?? [];
      return name && mebibytes ? [{ name, memory: Number(mebibytes) * 2 ** 20 }] : [];
    });
}

/** @throws VisibleError where the lanes' shares are more than the card has */
export function requireCardMemory(card: Card, shares: readonly number[]): void {
  const wanted = shares.reduce((sum, share) => sum + share + laneOverhead, 0);
  if (wanted <= card.memory) return;
  throw new VisibleError(
    "not_enough_memory",
    `The ${card.name} has ${showBytes(card.memory)} of memory, and ${shares.length === 1 ? "one lane takes" : `${shares.length} lanes take`} ${showBytes(wanted)}; lower VISII_LANE_MEMORY, or use a larger card.`,
  );
}

/** @throws VisibleError where NVIDIA's own tool cannot tell */
export async function askCard(index: number, tool = "nvidia-smi"): Promise<Card> {
  const words = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"];
  try {
    const card = parseCards((await promisify(execFile)(tool, words)).stdout)[index];
    if (card) return card;
    throw new Error(`there is no card ${index}`);
  } catch (cause) {
    throw new VisibleError(
      "device_unavailable",
      `${tool} does not tell the memory of card ${index} (${cause instanceof Error ? cause.message.split("\n")[0] : cause}); without VISII_LANE_MEMORY nobody asks.`,
      { cause },
    );
  }
}
