import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: ["tests/**/*.test.ts"],
    // A stage of its own, after SST's platform is there: npm run test:infra.
    exclude: ["tests/infra/**"],
    // Processes, not threads: onnxruntime aborts the process when a thread is ended during a run.
    pool: "forks",
    // Each process also has onnxruntime's own threads; two keep a two-core machine busy.
    maxWorkers: 2,
    // These end a test that hangs; no test's result depends on them. The longest computes for a minute on a
    // slow machine.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
