import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VisibleError } from "visii-engine/errors";
import { z } from "zod";

const text = z.string().min(1);

/** demo/demo.json; its paths are relative to the folder demo/. */
const demoPlanSchema = z.object({
  pair: z.object({ before: text, after: text }),
  tests: z.array(z.object({ image: text, truth: text.optional() })).min(3),
  /** Words to mix in: each becomes a column of the sheet. */
  words: z.array(text).min(1),
  /** What the pair shows, for the reader. */
  edit: text.optional(),
  /** The model's own text instruction that comes closest to it, which <ins> is measured against. */
  text: text.optional(),
  /** Words to start from, steps and seed, where other than the model's defaults and 0. */
  init: text.optional(),
  steps: z.number().int().positive().optional(),
  seed: z.number().int().nonnegative().optional(),
  textGuidance: z.number().optional(),
  imageGuidance: z.number().optional(),
});

export type DemoPlan = z.infer<typeof demoPlanSchema>;

/** The plan in `folder` (by default the shipped one), its paths made whole. VisibleError when missing or not such a plan. */
export async function readDemoPlan(
  folder = fileURLToPath(new URL("../demo", import.meta.url)),
): Promise<DemoPlan> {
  const path = join(folder, "demo.json");
  const json = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new VisibleError(
      "demo_not_found",
      `There is no ${path}; restore the shipped demo with git checkout demo.`,
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
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll("\n", " ") : "it is not JSON";
    throw new VisibleError("demo_invalid", `${path} is not a demo plan: ${why}.`, { cause });
  }
}
