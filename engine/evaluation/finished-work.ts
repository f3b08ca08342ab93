import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../files/write-atomically.ts";
import { scoresSchema } from "./metric.ts";

const spent = z.object({
  /** UNet evaluations, forward and backward, one for each sample of a batch. */
  evaluations: z.number(),
  /** Wall-clock seconds on the machine that ran it. */
  seconds: z.number(),
});

/** Cost of a method on a case. */
const costSchema = z.object({
  /** Cost per case: fitting, choosing words, learning. */
  once: spent,
  /** Mean cost per photo. */
  photo: spent,
});
export type Cost = z.infer<typeof costSchema>;

/** Results of one method on one case with one seed. */
const finishedSchema = z.object({
  case: z.string(),
  method: z.string(),
  seed: z.number().int(),
  /** The text chosen by the method `text`. */
  text: z.string().optional(),
  cost: costSchema,
  tests: z.array(
    z.object({
      name: z.string(),
      /** Path of the result relative to the output folder, with forward slashes. */
      picture: z.string(),
      scores: scoresSchema,
    }),
  ),
});

export type Finished = z.infer<typeof finishedSchema>;

/** Increment when the same inputs give different results, so that old results are not reused. */
const protocolVersion = 1;

/** A hash of all inputs that determine a result. */
export function keyOf(decisive: object): string {
  return createHash("sha256")
    .update(JSON.stringify({ protocolVersion, ...decisive }))
    .digest("hex")
    .slice(0, 20);
}

/** Finished results stored as files, so that an interrupted or extended evaluation reuses them. */
export class FinishedWork {
  readonly #out: string;

  constructor(out: string) {
    this.#out = out;
  }

  /** Undefined if the result is missing or unreadable, or one of its images is missing. */
  async read(key: string): Promise<Finished | undefined> {
    const text = await readFile(this.#path(key), "utf8").catch(() => undefined);
    const found = text === undefined ? undefined : parse(text);
    for (const { picture } of found?.tests ?? [])
      if (!(await stat(join(this.#out, picture)).catch(() => undefined))) return undefined;
    return found;
  }

  async write(key: string, finished: Finished): Promise<void> {
    await writeAtomically(this.#path(key), `${JSON.stringify(finished, null, 2)}\n`);
  }

  #path(key: string): string {
    return join(this.#out, "finished", `${key}.json`);
  }
}

function parse(text: string): Finished | undefined {
  try {
    return finishedSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
