/** `npm run research -- COMMAND`: the experiments behind the docs' figures. */
import { runProgram } from "../cli/run-program.ts";

await runProgram({
  name: "npm run research --",
  description: "Run the experiments behind the project's figures.",
  commands: {
    ablate: async () => (await import("./ablation/command.ts")).addAblateCommand,
    "random-model": async () => (await import("./random-model/command.ts")).addRandomModelCommand,
  },
});
