/** `npm run research -- COMMAND`: what the figures of docs/ are made with. */
import { runProgram } from "../cli/run-program.ts";

await runProgram({
  name: "npm run research --",
  description: "Run the experiments behind the project's figures.",
  commands: {
    ablate: async () => (await import("./ablation/command.ts")).addAblateCommand,
    "random-model": async () => (await import("./random-model/command.ts")).addRandomModelCommand,
  },
});
