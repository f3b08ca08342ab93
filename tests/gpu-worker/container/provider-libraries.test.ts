import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const script = join(root, "gpu-worker/container/provider-libraries.sh");
const hasCompiler = spawnSync("gcc", ["--version"]).status === 0 && process.platform === "linux";

/** Shared libraries without content, for the loader. */
describe.skipIf(!hasCompiler)("the CUDA image's check of its libraries (needs gcc)", () => {
  let folder: string;
  const provider = () => join(folder, "libonnxruntime_providers_cuda.so");
  const library = (name: string, ...links: readonly string[]) => {
    const path = join(folder, name);
    const flags = ["-shared", "-fPIC", "-Wl,--no-as-needed", `-Wl,-soname,${name}`, "-x", "c", "-o", path];
    execFileSync("gcc", [...flags, "-", "-x", "none", ...links], { input: "int nothing;" });
    return path;
  };
  const remove = (name: string) => rmSync(join(folder, name));
  const look = () => {
    const env = { PATH: process.env.PATH, LD_LIBRARY_PATH: folder };
    const { status, stderr } = spawnSync("sh", [script, provider()], { env, encoding: "utf8" });
    return { status, stderr };
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "visii-cuda-"));
    const linked = ["libcublasLt.so.13", "libcudart.so.13", "libcuda.so.1"].map((name) => library(name));
    library("libcudnn.so.9");
    library("libonnxruntime_providers_cuda.so", ...linked);
    // Only a machine with a driver has this one, and images are built without.
    remove("libcuda.so.1");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("passes if all libraries but the driver's are present", () => {
    expect(look()).toEqual({ status: 0, stderr: "" });
  });

  it("reports missing cuDNN, which the provider loads only when it runs", () => {
    remove("libcudnn.so.9");
    const { status, stderr } = look();
    expect(status).toBe(1);
    expect(stderr).toContain("not found in this image: libcudnn.so.9\n");
  });

  it("names the missing library, and the image that has it", () => {
    remove("libcublasLt.so.13");
    remove("libcudart.so.13");
    const { status, stderr } = look();
    expect(status).toBe(1);
    expect(stderr).toContain("built for CUDA 13; not found in this image: libcublasLt.so.13 libcudart.so.13");
    expect(stderr).toContain("to nvidia/cuda:13.0.2-cudnn-runtime-ubuntu24.04.");
    expect(stderr).not.toContain("libcuda.so");
  });

  it("names another image for a provider of CUDA 12", () => {
    library("libonnxruntime_providers_cuda.so", library("libcudart.so.12"));
    remove("libcudart.so.12");
    expect(look().stderr).toContain("to nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04.");
  });
});

it("the Dockerfile's base is the image that the check names for CUDA 13", async () => {
  const [dockerfile, names] = await Promise.all([
    readFile(join(root, "gpu-worker/Dockerfile"), "utf8"),
    readFile(script, "utf8"),
  ]);
  const [, base = ""] = /^ARG CUDA_IMAGE=(.+)$/m.exec(dockerfile) ?? [];
  expect(base).toMatch(/^nvidia\/cuda:13\./);
  expect(names).toContain(`13) image=${base} ;;`);
});
