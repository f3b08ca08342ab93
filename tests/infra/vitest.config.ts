import { defineConfig } from "vitest/config";

/** `npm run test:infra`: needs SST's platform, so it is a stage of its own beside `npm test`. */
export default defineConfig({
  test: {
    include: ["tests/infra/**/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
