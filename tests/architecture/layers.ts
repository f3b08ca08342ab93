/**
 * The layer of each folder and file; the longest matching prefix decides. A file imports only from its own
 * layer and lower ones. A folder without a layer fails the test.
 */
export const layers: Readonly<Record<string, number>> = {
  "shared/": 0,
  "engine/errors.ts": 0,

  "shared/aws/": 1,
  "engine/bundled-model.ts": 1,
  "engine/files/": 1,
  "engine/graph/": 1,
  "engine/random/": 1,

  "functions/": 2,
  "scaler/": 2,
  "deployment/": 2,
  "engine/autodiff/": 2,
  "engine/rewrite/": 2,
  "engine/runtime/": 2,
  "engine/weights/": 2,
  "engine/networks/": 2,
  "engine/schedulers/": 2,
  "engine/tokenizers/": 2,
  "engine/optimizer/": 2,

  "engine/index.ts": 3,
  "engine/exports/": 3,
  "engine/learn.ts": 3,
  "engine/edit.ts": 3,
  "engine/read-pairs.ts": 3,
  "engine/baselines/": 3,
  "engine/images/": 3,
  "engine/metadata/": 3,
  "engine/color/": 3,
  "engine/lut/": 3,
  "engine/image-quality/": 3,
  "engine/pairs/": 3,
  "engine/pipeline/": 3,
  "engine/model-store/": 3,
  "engine/model-cache/": 3,
  "engine/instruction/": 3,
  "engine/inversion/": 3,
  "engine/editing/": 3,
  "engine/captioning/": 3,
  "engine/capacity/": 3,
  "engine/evaluation/": 3,
  "gpu-worker/queue/": 3,

  "client/": 1,
  "studio/": 2,
  "gpu-worker/compute/": 4,
  "gpu-worker/container/": 5,
  "gpu-worker/main.ts": 4,
  "gpu-worker/fetch-model.ts": 4,
  "gpu-worker/gpu-memory.ts": 4,
  "gpu-worker/smoke.ts": 4,
  "gpu-worker/config.ts": 4,
  "infra/": 4,
  "sst.config.ts": 4,
  "cli/": 4,
  "local/": 4,

  "examples/": 5,
  "research/": 5,
  "docs/": 5,
  "infra/simulation/": 5,
  "tests/": 5,
  "vitest.config.ts": 5,
};

/** Packages that only some folders may import. */
export const packageOwners: Readonly<Record<string, string | readonly string[]>> = {
  "onnxruntime-node": "engine/runtime/",
  "@bufbuild/protobuf": "engine/graph/encode-onnx.ts",
  sharp: "engine/images/",
  "@huggingface/tokenizers": "engine/tokenizers/",
  commander: ["cli/", "research/"],
  vega: "research/charts/",
};

/** Folders that must not import another one, directly or through other files. */
export const forbiddenPaths: readonly (readonly [from: string, to: string])[] = [
  ["functions/", "engine/"],
  ["functions/", "gpu-worker/"],
  ["gpu-worker/", "functions/"],
  ["engine/", "gpu-worker/"],
  ["engine/", "functions/"],
  ["client/", "engine/"],
  ["studio/", "engine/"],
  ["studio/", "functions/"],
  ["infra/", "gpu-worker/"],
  ["infra/", "functions/"],
  ["infra/", "cli/"],
  ["infra/", "local/"],
  ["engine/networks/", "engine/autodiff/"],
  ["engine/autodiff/", "engine/networks/"],
  ["gpu-worker/queue/", "engine/inversion/"],
  ["engine/inversion/", "gpu-worker/queue/"],
  ["gpu-worker/queue/", "engine/runtime/"],
];

/** Folders that only some others may import directly. */
export const restrictedFolders: Readonly<Record<string, readonly string[]>> = {
  "engine/autodiff/": ["engine/inversion/", "engine/captioning/", "engine/exports/", "docs/"],
  "tests/": ["docs/"],
};

/** The only files that read process.env. */
export const entryPoints: readonly string[] = [
  "cli/",
  "local/",
  "examples/",
  "research/",
  "functions/config.ts",
  "functions/admin.ts",
  "scaler/config.ts",
  "gpu-worker/main.ts",
  "gpu-worker/config.ts",
  "infra/publish-model.mts",
  "infra/stage.ts",
  "gpu-worker/compute/child.ts",
  "gpu-worker/fetch-model.ts",
  "gpu-worker/smoke.ts",
  "sst.config.ts",
  // Contains it in sample code.
  "studio/text/code-samples.ts",
  "tests/",
];
