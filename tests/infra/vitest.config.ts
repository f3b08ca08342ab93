import { defineConfig } from "vitest/config";

/** `npm run test:infra`, separate from `npm test` because it needs SST's platform. */
export default defineConfig({
  test: {
    include: ["tests/infra/**/*.test.ts"],
    maxWorkers: 2,
    // An evaluation is a child process of about ten seconds; minutes on a busy machine.
    maxConcurrency: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
