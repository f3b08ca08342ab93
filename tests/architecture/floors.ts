/**
 * Which floor each folder stands on. A file imports from its own floor and those below. The longest prefix counts; a
 * folder that is not named here is a failing test, so that a new one is given its place on purpose.
 */
export const floors: Readonly<Record<string, number>> = {
  "shared/": 0,

  "charts/": 1,
  "shared/aws/": 1,
  "gpu-worker/files/": 1,
  "gpu-worker/graph/": 1,
  "gpu-worker/random/": 1,

  "functions/": 2,
  "gpu-worker/autodiff/": 2,
  "gpu-worker/rewrite/": 2,
  "gpu-worker/runtime/": 2,
  "gpu-worker/weights/": 2,
  "gpu-worker/models/": 2,
  "gpu-worker/schedulers/": 2,
  "gpu-worker/tokenizers/": 2,
  "gpu-worker/optimizer/": 2,

  "gpu-worker/images/": 3,
  "gpu-worker/metrics/": 3,
  "gpu-worker/pipeline/": 3,
  "gpu-worker/model-store/": 3,
  "gpu-worker/model-cache/": 3,
  "gpu-worker/instruction/": 3,
  "gpu-worker/inversion/": 3,
  "gpu-worker/editing/": 3,
  "gpu-worker/captioning/": 3,
  "gpu-worker/capacity/": 3,
  "gpu-worker/evaluation/": 3,
  "gpu-worker/queue/": 3,

  "client/": 1,
  "gpu-worker/compute/": 4,
  "gpu-worker/image/": 5,
  "gpu-worker/main.ts": 4,
  "gpu-worker/fetch-model.ts": 4,
  "gpu-worker/config.ts": 4,
  "infra/": 4,
  "sst.config.ts": 4,
  "cli/": 4,
  "local/": 4,

  "examples/": 5,
  "bench/": 5,
  "docs/": 5,
  "infra/simulation/": 5,
  "tests/": 5,
  "vitest.config.ts": 5,
};

/** Packages with one owner: whoever else imports them goes around that folder. */
export const owners: Readonly<Record<string, string>> = {
  "onnxruntime-node": "gpu-worker/runtime/",
  "@bufbuild/protobuf": "gpu-worker/graph/encode-onnx.ts",
  sharp: "gpu-worker/images/",
  "@huggingface/tokenizers": "gpu-worker/tokenizers/",
  commander: "cli/",
  vega: "charts/",
};

/** Folders that never reach another one, not even through a third. */
export const strangers: readonly (readonly [from: string, to: string])[] = [
  ["functions/", "gpu-worker/"],
  ["gpu-worker/", "functions/"],
  ["infra/", "gpu-worker/"],
  ["infra/", "functions/"],
  ["infra/", "cli/"],
  ["infra/", "local/"],
  ["gpu-worker/models/", "gpu-worker/autodiff/"],
  ["gpu-worker/autodiff/", "gpu-worker/models/"],
  ["gpu-worker/queue/", "gpu-worker/inversion/"],
  ["gpu-worker/inversion/", "gpu-worker/queue/"],
  ["gpu-worker/queue/", "gpu-worker/runtime/"],
];

/** Folders that only some may import directly. */
export const guarded: Readonly<Record<string, readonly string[]>> = {
  "gpu-worker/autodiff/": ["gpu-worker/inversion/", "gpu-worker/captioning/", "docs/"],
  "tests/": ["docs/"],
};

/** Where the world enters: the only readers of process.env. */
export const entryPoints: readonly string[] = [
  "cli/",
  "local/",
  "examples/",
  "bench/",
  "functions/config.ts",
  "functions/admin.ts",
  "gpu-worker/main.ts",
  "gpu-worker/config.ts",
  "infra/stage.ts",
  "gpu-worker/compute/child.ts",
  "gpu-worker/fetch-model.ts",
  "sst.config.ts",
  "tests/",
];
