import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { VisibleError } from "../errors.ts";
import { writeAtomically } from "../files/write-atomically.ts";
import type { Instruction } from "../instruction/instruction.ts";
import { readInstruction, writeInstruction } from "../instruction/instruction-file.ts";
import type { InversionOptions } from "../inversion/settings.ts";
import { type LearnHooks, learn } from "../learn.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { OpenCase } from "./evaluation-case.ts";
import type { Cost } from "./finished-work.ts";

interface LearnRequest {
  /** Number of the case's pairs to use, from the first. */
  readonly pairs: number;
  readonly options: InversionOptions;
  /** Folder for instructions, and the key of this one: a hash of all inputs. */
  readonly folder: string;
  readonly key: string;
}

export interface LearnedFromCase {
  readonly instruction: Instruction;
  readonly cost: Cost["once"];
}

/**
 * The instruction of a case's first pairs: read from `folder` if it exists under `key`, else learned and
 * stored. An interrupted run saves its state there and is resumed by the next one. The learning time is
 * stored beside the instruction, whose bytes are reproducible.
 */
export async function learnFromCase(
  pipeline: Pipeline,
  openCase: OpenCase,
  { pairs: count, options, folder, key }: LearnRequest,
  hooks: Pick<LearnHooks, "signal" | "onEvent">,
): Promise<LearnedFromCase> {
  const path = join(folder, `${key}.visii`);
  const secondsPath = `${path}.seconds`;
  const before = Number(await readFile(secondsPath, "utf8").catch(() => 0));
  if (await stat(path).catch(() => undefined)) return withCost(await readInstruction(path), before);
  const started = performance.now();
  const seconds = () => before + (performance.now() - started) / 1000;
  const statePath = `${path}.resume`;
  const resume = await readFile(statePath).catch(() => undefined);
  const [first, ...others] = openCase.pairs;
  const learnFrom = (state: { readonly resume?: Uint8Array }) =>
    learn(pipeline, [first, ...others.slice(0, count - 1)], options, {
      ...hooks,
      ...state,
      onCheckpoint: async (state) => {
        await writeAtomically(statePath, state);
        await writeAtomically(secondsPath, String(seconds()));
      },
    });
  const { instruction } = await learnFrom(resume ? { resume: new Uint8Array(resume) } : {}).catch(
    (error: unknown) => {
      // A state that is damaged or written by another version is discarded.
      if (error instanceof VisibleError && error.code === "cannot_resume") return learnFrom({});
      throw error;
    },
  );
  await writeAtomically(secondsPath, String(seconds()));
  await writeInstruction(path, instruction);
  await rm(statePath, { force: true });
  return withCost(instruction, seconds());
}

function withCost(instruction: Instruction, seconds: number): LearnedFromCase {
  const { unetForwards, unetBackwards } = instruction.info.counts;
  return { instruction, cost: { evaluations: unetForwards + unetBackwards, seconds } };
}
