import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { narrowToFloat16 } from "../../../engine/graph/half-precision.ts";
import { requireSameModel } from "../../../engine/instruction/embed-instruction.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import {
  openSafetensors,
  readTensor,
  type TensorSource,
  writeSafetensors,
} from "../../../engine/weights/safetensors-file.ts";
import { openFixture } from "../networks/expected-values.ts";
import { makeInstruction } from "./made-instruction.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-copies-"));
  await cp((await openFixture("tiny-mini")).folder, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

const open = () => openPipeline(folder, { device: "cpu" });

describe("an instruction works with", () => {
  /** Writes the model's UNet again: its tensors changed by `edit`, in half precision, with other metadata. */
  async function rewriteUnet(edit: (values: Float32Array) => void = () => undefined) {
    const path = join(folder, "unet", "diffusion_pytorch_model.safetensors");
    const file = await openSafetensors(path);
    const tensors: Record<string, TensorSource> = {};
    // Another order than before.
    for (const [name, { shape }] of [...file.tensors].reverse()) {
      const values = await readTensor(file, name);
      edit(values);
      const data = new Uint16Array(values.length);
      narrowToFloat16(values, data);
      tensors[name] = { shape: [...shape], data, dtype: "F16" };
    }
    await rm(path);
    await writeSafetensors(path.replace(/\.safetensors$/, ".fp16.safetensors"), tensors, { format: "other" });
  }
  const learnedOn = async (pipeline: Pipeline) => {
    const instruction = await makeInstruction(pipeline, "a red apple");
    await pipeline.dispose();
    return instruction;
  };

  it("a half-precision copy of its model in other files", async () => {
    const instruction = await learnedOn(await open());
    await rewriteUnet();
    const copy = await open();
    expect(() => requireSameModel(copy, instruction)).not.toThrow();
    await copy.dispose();
  });

  it("no model with another value", async () => {
    const instruction = await learnedOn(await open());
    await rewriteUnet((values) => {
      values[0]! += 0.01;
    });
    const other = await open();
    expect(() => requireSameModel(other, instruction)).toThrow(/not/);
    await other.dispose();
  });
});
