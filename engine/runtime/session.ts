import { parse } from "node:path";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { defined } from "../../shared/defined.ts";
import { InternalError, VisibleError } from "../errors.ts";
import { encodeOnnx } from "../graph/encode-onnx.ts";
import { sameShape, showShape, type Value, type WeightSource } from "../graph/value.ts";
import type { OptimizedGraph } from "../rewrite/optimize.ts";
import { withStoredValues } from "../rewrite/rearranged-weights.ts";
import { type Device, executionProvider } from "./device.ts";
import { explainDeviceFailure } from "./device-failure.ts";
import { loadingOptions } from "./loading-options.ts";
import { explainRunFailure } from "./run-failure.ts";

export type { Device } from "./device.ts";

export interface SessionOptions {
  readonly device: Device;
  /** Threads within one operator; the provider's default when absent. */
  readonly threads?: number;
  /** The folder that contains the graph's weight files, which are mapped into memory. */
  readonly root: string;
  /** Values of the graph that are read from a file, in any folder, instead of computed. */
  readonly stored?: ReadonlyMap<Value, WeightSource>;
}

/** A tensor's elements on the host, row-major. */
export type HostTensor = Float32Array | BigInt64Array;

/** A compiled graph. Inputs and outputs are plain host arrays with the graph's shapes. */
export class Session {
  readonly #session: InferenceSession;
  readonly #graph: OptimizedGraph;
  readonly #device: Device;

  private constructor(session: InferenceSession, graph: OptimizedGraph, device: Device) {
    this.#session = session;
    this.#graph = graph;
    this.#device = device;
  }

  /**
   * @throws VisibleError `device_unavailable` if this machine lacks the provider; there is no silent fallback
   */
  static async create(graph: OptimizedGraph, options: SessionOptions): Promise<Session> {
    const { device, threads, stored } = options;
    // Only files below the root are mapped, and stored values are outside the model folder.
    const root = stored?.size ? parse(options.root).root : options.root;
    const loaded = stored?.size ? withStoredValues(graph, stored) : graph;
    // The library also writes its errors to stderr; here they are thrown instead.
    env.logLevel = "fatal";
    try {
      const session = await InferenceSession.create(encodeOnnx(loaded, root), {
        executionProviders: [executionProvider(device)],
        // Based on the original graph, so that it runs the same with and without stored values.
        ...loadingOptions(graph, device, root),
        logSeverityLevel: 3,
        ...defined({ intraOpNumThreads: threads }),
      });
      return new Session(session, graph, device);
    } catch (cause) {
      if (device === "cpu")
        throw new InternalError(`graph ${graph.name} does not load: ${String(cause)}`, { cause });
      throw new VisibleError(
        "device_unavailable",
        `Device ${device} is not available: ${explainDeviceFailure(device, cause)} Or use --device cpu.`,
        { cause },
      );
    }
  }

  /**
   * Runs the graph once. onnxruntime blocks this thread, so send heartbeats from another process.
   *
   * @param feeds one array for each input, of its element count and type
   * @returns one array for each output, owned by the caller
   * @throws VisibleError `not_enough_memory`, RetryableError if a device other than the CPU was lost or
   * failed
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
          `graph ${this.#graph.name}: ${name} has shape ${showShape(tensor.dims)}, but the graph declares ${showShape(value.shape)}`,
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
      `graph ${graph}: input ${name} ${showShape(shape)} needs ${count} elements, got ${data?.length ?? "none"}`,
    );
  if (dtype === "int64" && data instanceof BigInt64Array) return new Tensor("int64", data, [...shape]);
  if (dtype === "float32" && data instanceof Float32Array) return new Tensor("float32", data, [...shape]);
  throw new InternalError(`graph ${graph}: input ${name} is ${dtype}, but got a ${data.constructor.name}`);
}
