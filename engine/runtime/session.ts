import { parse } from "node:path";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { InternalError, VisibleError } from "../errors.ts";
import { encodeOnnx } from "../graph/encode-onnx.ts";
import { sameShape, showShape, type Value, type WeightSource } from "../graph/value.ts";
import type { OptimizedGraph } from "../rewrite/optimize.ts";
import { withStoredValues } from "../rewrite/rearranged-weights.ts";
import { type Device, executionProvider } from "./device.ts";
import { whyNotUsable } from "./device-words.ts";
import { loadingOptions } from "./loading-options.ts";
import { explainRunFailure } from "./run-failure.ts";

export type { Device } from "./device.ts";

export interface SessionOptions {
  readonly device: Device;
  /** Threads inside one operator; the provider's own choice when absent. */
  readonly threads?: number;
  /** The folder below which the graph's weight files lie. They are mapped into memory, not read. */
  readonly root: string;
  /** Values of the graph that need not be computed, as their bytes lie in a file, which may lie anywhere. */
  readonly stored?: ReadonlyMap<Value, WeightSource>;
}

/** A tensor's elements on the host, row-major. */
export type HostTensor = Float32Array | BigInt64Array;

/** One compiled graph. Inputs and outputs are plain host arrays; shapes are the graph's own. */
export class Session {
  readonly #session: InferenceSession;
  readonly #graph: OptimizedGraph;
  readonly #device: Device;

  private constructor(session: InferenceSession, graph: OptimizedGraph, device: Device) {
    this.#session = session;
    this.#graph = graph;
    this.#device = device;
  }

  /** @throws VisibleError `device_unavailable` if this machine lacks the provider; there is no silent fallback. */
  static async create(graph: OptimizedGraph, options: SessionOptions): Promise<Session> {
    const { device, threads, stored } = options;
    // Files below the root alone are mapped, and what is stored lies beside the model, not below it.
    const root = stored?.size ? parse(options.root).root : options.root;
    const loaded = stored?.size ? withStoredValues(graph, stored) : graph;
    // The library also writes its errors to stderr; here they are thrown, in words.
    env.logLevel = "fatal";
    try {
      const session = await InferenceSession.create(encodeOnnx(loaded, root), {
        executionProviders: [executionProvider(device)],
        // Of the graph as it was, so that it runs in the same way whether or not something is stored.
        ...loadingOptions(graph, device, root),
        logSeverityLevel: 3,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      });
      return new Session(session, graph, device);
    } catch (cause) {
      if (device === "cpu")
        throw new InternalError(`graph ${graph.name} does not load: ${String(cause)}`, { cause });
      throw new VisibleError(
        "device_unavailable",
        `This machine cannot run on ${device}: ${whyNotUsable(device, cause)} Or choose --device cpu.`,
        { cause },
      );
    }
  }

  /**
   * Runs the graph once. Synchronous on this thread inside onnxruntime: keep heartbeats in another process.
   *
   * @param feeds one array for each input, of its element count and type
   * @returns one array for each output, owned by the caller
   * @throws VisibleError `not_enough_memory`, RetryableError where a device other than the CPU was lost or failed
   */
  async run(feeds: Readonly<Record<string, HostTensor>>): Promise<Record<string, Float32Array>> {
    const tensors: Record<string, Tensor> = {};
    for (const input of this.#graph.inputs)
      tensors[input.name] = toTensor(this.#graph.name, input, feeds[input.name]);
    const results = await this.#session.run(tensors).catch((cause: unknown) => {
      throw explainRunFailure(this.#graph.name, this.#device, cause);
    });
    const outputs: Record<string, Float32Array> = {};
    for (const [name, value] of this.#graph.outputs) {
      const tensor = results[name]!;
      if (!sameShape(tensor.dims, value.shape))
        throw new InternalError(
          `graph ${this.#graph.name}: ${name} came as ${showShape(tensor.dims)}, the graph says ${showShape(value.shape)}`,
        );
      outputs[name] = Float32Array.from((await tensor.getData()) as Float32Array);
      tensor.dispose();
    }
    for (const tensor of Object.values(tensors)) tensor.dispose();
    return outputs;
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

function toTensor(graph: string, { name, dtype, shape }: Value, data: HostTensor | undefined): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  if (!data || data.length !== count)
    throw new InternalError(
      `graph ${graph}: input ${name} ${showShape(shape)} wants ${count} elements, got ${data?.length ?? "none"}`,
    );
  if (dtype === "int64" && data instanceof BigInt64Array) return new Tensor("int64", data, [...shape]);
  if (dtype === "float32" && data instanceof Float32Array) return new Tensor("float32", data, [...shape]);
  throw new InternalError(`graph ${graph}: input ${name} is ${dtype}, fed a ${data.constructor.name}`);
}
