import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VisibleError } from "visii-engine/errors";
import { z } from "zod";

const text = z.string().min(1);

/** demo/demo.json; paths are relative to demo/. */
const demoPlanSchema = z.object({
  pair: z.object({ before: text, after: text }),
  tests: z.array(z.object({ image: text, truth: text.optional() })).min(3),
  /** Text prompts to combine with the instruction; each becomes a column of the sheet. */
  words: z.array(text).min(1),
  /** Description of the edit, for human readers. */
  edit: text.optional(),
  /** The text prompt that comes closest to the edit for this model: the baseline for <ins>. */
  text: text.optional(),
  /** Init words, steps and seed, if they differ from the model's defaults and seed 0. */
  init: text.optional(),
  steps: z.number().int().positive().optional(),
  seed: z.number().int().nonnegative().optional(),
  textGuidance: z.number().optional(),
  imageGuidance: z.number().optional(),
});

export type DemoPlan = z.infer<typeof demoPlanSchema>;

/**
 * Reads the plan in `folder` (by default the bundled one) and makes its paths absolute. @throws VisibleError
 * if it is missing or invalid
 */
export async function readDemoPlan(
  folder = fileURLToPath(new URL("../demo", import.meta.url)),
): Promise<DemoPlan> {
  const path = join(folder, "demo.json");
  const json = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new VisibleError(
      "demo_not_found",
      `${path} does not exist; restore the bundled demo with git checkout demo.`,
      { cause },
    );
  });
  const plan = parsePlan(path, json);
  return {
    ...plan,
    pair: { before: join(folder, plan.pair.before), after: join(folder, plan.pair.after) },
    tests: plan.tests.map(({ image, truth }) =>
      truth === undefined
        ? { image: join(folder, image) }
        : { image: join(folder, image), truth: join(folder, truth) },
    ),
  };
}

function parsePlan(path: string, json: string): DemoPlan {
  try {
    return demoPlanSchema.parse(JSON.parse(json));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll("\n", " ") : "not valid JSON";
    throw new VisibleError("demo_invalid", `${path} is not a valid demo plan: ${why}.`, { cause });
  }
}
