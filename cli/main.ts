/** The `visii` command. */
import { type Program, runProgram } from "./run-program.ts";

const visii: Program = {
  name: "visii",
  description: "Learn an image edit from one before/after pair and apply it to any photo.",
  commands: {
    learn: async () => (await import("./learn.ts")).addLearnCommand,
    apply: async () => (await import("./apply.ts")).addApplyCommand,
    edit: async () => (await import("./edit.ts")).addEditCommand,
    lut: async () => (await import("./lut.ts")).addLutCommand,
    inspect: async () => (await import("./inspect.ts")).addInspectCommand,
    demo: async () => (await import("./demo.ts")).addDemoCommand,
    eval: async () => (await import("./eval.ts")).addEvalCommand,
    models: async () => (await import("./models.ts")).addModelsCommand,
    cache: async () => (await import("./cache.ts")).addCacheCommand,
    doctor: async () => (await import("./doctor.ts")).addDoctorCommand,
  },
  examples: `
Examples:
  visii demo
  visii learn --pair day.jpg night.jpg --out night.visii
  visii apply night.visii street.jpg --out results
  visii apply night.visii street.jpg --text "with snow" --out results
  visii edit "make it night" street.jpg --out results
  visii apply night.visii street.jpg --out results --server http://127.0.0.1:8787 --key visii_test_…
  visii inspect night.visii
  visii lut --pair day.jpg warm.jpg --out warm.cube`,
};

export const main = (): Promise<void> => runProgram(visii);
