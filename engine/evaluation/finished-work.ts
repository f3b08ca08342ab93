import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAside } from "../files/write-aside.ts";
import { scoresSchema } from "./metric.ts";

const spent = z.object({
  /** Of the UNet, forward and backward, one for each sample of a batch. */
  evaluations: z.number(),
  /** By the clock of the machine that ran it. */
  seconds: z.number(),
});

/** What a method cost on a case. */
const costSchema = z.object({
  /** Once: fitting, choosing words, learning. */
  once: spent,
  /** For each photo, in the mean. */
  photo: spent,
});
export type Cost = z.infer<typeof costSchema>;

/** What one method made of one case under one seed. */
const finishedSchema = z.object({
  case: z.string(),
  method: z.string(),
  seed: z.number().int(),
  /** The text that the method `text` chose. */
  text: z.string().optional(),
  cost: costSchema,
  tests: z.array(
    z.object({
      name: z.string(),
      /** Path of the result from the output folder, with forward slashes. */
      picture: z.string(),
      scores: scoresSchema,
    }),
  ),
});

export type Finished = z.infer<typeof finishedSchema>;

/** Raised when the same inputs give other results than before, so that old ones are not taken for new ones. */
const protocolVersion = 1;

/** A name for whatever decides a result: the same things, the same name. */
export function keyOf(decisive: object): string {
  return createHash("sha256")
    .update(JSON.stringify({ protocolVersion, ...decisive }))
    .digest("hex")
    .slice(0, 20);
}

/** Finished work kept as files, so that an interrupted or extended evaluation does nothing twice. */
export class FinishedWork {
  readonly #out: string;

  constructor(out: string) {
    this.#out = out;
  }

  /** Undefined when there is none, it cannot be read, or one of its pictures is gone. */
  async read(key: string): Promise<Finished | undefined> {
    const text = await readFile(this.#path(key), "utf8").catch(() => undefined);
    const found = text === undefined ? undefined : parse(text);
    for (const { picture } of found?.tests ?? [])
      if (!(await stat(join(this.#out, picture)).catch(() => undefined))) return undefined;
    return found;
  }

  async write(key: string, finished: Finished): Promise<void> {
    await writeAside(this.#path(key), `${JSON.stringify(finished, null, 2)}\n`);
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
