import { defineConfig } from "vitest/config";

/** `npm run test:infra`: needs SST's platform, so it is a stage of its own beside `npm test`. */
export default defineConfig({
  test: {
    include: ["tests/infra/**/*.test.ts"],
    maxWorkers: 2,
    // An evaluation is a process of its own, of some seconds; minutes where a machine has much else to do.
    maxConcurrency: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
