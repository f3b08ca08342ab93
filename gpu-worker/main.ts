/** Entry point of the worker. It connects the queue with the compute processes. */
import { kindOf } from "../engine/runtime/device.ts";
import { openAdapters } from "../shared/aws/aws-config.ts";
import { SqsJobQueue } from "../shared/aws/sqs-job-queue.ts";
import { defined } from "../shared/defined.ts";
import { VisibleError } from "../shared/errors.ts";
import { RunStore } from "../shared/jobs/run-store.ts";
import { createJsonLog } from "../shared/json-log.ts";
import { systemClock as clock, systemRandom as random } from "../shared/system-clock.ts";
import { ComputeProcess } from "./compute/compute-process.ts";
import { Decoder } from "./compute/decoder.ts";
import { batchKey, createJobWork } from "./compute/job-work.ts";
import { NormalizedImages } from "./compute/normalized-images.ts";
import { SharedCompute } from "./compute/shared-compute.ts";
import { workerConfigSchema } from "./config.ts";
import { askCard, requireCardMemory } from "./gpu-memory.ts";
import { consume } from "./queue/consume.ts";
import { startHealthServer, type WorkerState } from "./queue/health-server.ts";
import { createBatchKey, createJobHandler } from "./queue/run-job.ts";
import { TaskProtection } from "./queue/task-protection.ts";

const config = workerConfigSchema.parse(process.env);
const log = createJsonLog(
  (line) => process.stderr.write(`${line}\n`),
  clock.now,
  config.VISII_LOG,
  config.VISII_STAGE,
);
const { clients, table, objects, queues, timing } = openAdapters(config, clock);
const runs = new RunStore({ table, queues, clock, timing });
const settlements = new SqsJobQueue(clients.sqs, config.VISII_SETTLEMENT_QUEUE_URL);

const stopping = new AbortController();
// ECS also sends SIGTERM on a Spot interruption notice. The state is saved, and the job returns to the queue.
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopping.abort());
// A worker without its parent would never be stopped.
process.once("disconnect", () => stopping.abort());

let state: WorkerState = "STARTING";
let busy = 0;
let broken = false;
const stopHealth =
  config.VISII_HEALTH_PORT === undefined
    ? undefined
    : startHealthServer(config.VISII_HEALTH_PORT, () => (broken ? "SETUP_FAILED" : state));

const { ECS_AGENT_URI: agentUri } = config;
const protection = agentUri === undefined ? undefined : new TaskProtection(agentUri, { clock, log });
const whileProtected = <Result>(work: () => Promise<Result>) => protection?.during(work) ?? work();

/** Maximum milliseconds that a batch's other jobs wait for a job whose images are being decoded. */
const longestDecoding = 10_000;
const { VISII_LANE_MEMORY: laneMemory } = config;
const lanes = config.VISII_LANES.map((names, lane) => ({
  names,
  compute: new ComputeProcess({
    model: config.VISII_MODEL,
    device: config.VISII_DEVICE,
    precision: config.VISII_PRECISION,
    environment: process.env,
    cancelGraceMs: 20_000,
    hangTimeoutMs: config.VISII_HANG_TIMEOUT * 1000,
    onStart: sendPids,
    onFailedStarts: giveUp,
    ...(laneMemory?.[lane] === undefined ? {} : { memory: laneMemory[lane] * 1e9 }),
    ...defined({ threads: config.VISII_THREADS }),
    ...(config.VISII_CACHE === undefined
      ? {}
      : { cache: { folder: config.VISII_CACHE, limit: config.VISII_CACHE_SIZE * 1e9 } }),
  }),
  decoder: new Decoder({ environment: process.env, seconds: config.VISII_DECODE_LIMIT }),
}));
type Lane = (typeof lanes)[number];
const images = new NormalizedImages(objects);
/** Lanes that have neither warmed up nor received a job. */
const cold = new Set<Lane>(lanes);

/** Reports the process IDs to the parent, again after a process was replaced. */
function sendPids(): void {
  if (cold.size === 0) process.send?.({ type: "computing", pids: pidsOf() });
}
function sendReason(error: unknown): void {
  process.send?.({ type: "failed", reason: error instanceof Error ? error.message : String(error) });
}
/** Exits, so that the worker is replaced: one that cannot compute would fail every job. */
function giveUp(error: unknown): void {
  log.error("the worker cannot compute", { error });
  sendReason(error);
  broken = true;
  // Exit code 1 means that a restart would fail in the same way.
  process.exitCode = error instanceof VisibleError ? 1 : 3;
  stopping.abort();
}
/** The parent waits until no lane is cold, so that a model that cannot run is an error of the start. */
function leaveCold(lane: Lane): void {
  if (cold.delete(lane) && cold.size === 0) process.send?.({ type: "ready", pids: pidsOf() });
}
/** Prepares an idle lane for its next job. */
function warmUp(lane: Lane): void {
  lane.decoder.prepare();
  lane.compute.warmUp().then(
    () => leaveCold(lane),
    (error: unknown) => stopping.signal.aborted || giveUp(error),
  );
}
const pidsOf = () => lanes.map(({ compute }) => compute.pid);

try {
  if (laneMemory && kindOf(config.VISII_DEVICE) === "cuda") {
    const card = await askCard(Number(config.VISII_DEVICE.split(":")[1] ?? 0));
    requireCardMemory(
      card,
      laneMemory.map((share) => share * 1e9),
    );
  }
  const [model] = await Promise.all(lanes.map(({ compute }) => compute.ready()));
  state = "READY";
  log.info("the worker is ready", { model, lanes: lanes.map(({ names }) => names) });
  await Promise.all(
    lanes.map((lane) => {
      const { names, compute, decoder } = lane;
      const readImage = images.reader(decoder.normalize);
      const shared = new SharedCompute(compute);
      const { VISII_SAVE_EVERY: saveEvery, VISII_BATCH: batch } = config;
      return consume({
        queues: names.map((name) => queues[name]),
        async handle(message, signal) {
          leaveCold(lane);
          state = ++busy ? "BUSY" : state;
          const slot = shared.openSlot();
          const late = setTimeout(() => slot.leave(), longestDecoding);
          try {
            const work = createJobWork({ objects, clock, compute: slot, readImage, saveEvery, batch });
            const handle = createJobHandler({ runs, table, settlements, clock, random, log }, work);
            return await whileProtected(() => handle(message, signal));
          } finally {
            clearTimeout(late);
            slot.leave();
            state = --busy ? "BUSY" : "READY";
          }
        },
        batchKey: createBatchKey(runs, batchKey),
        together: batch,
        onIdle: () => warmUp(lane),
        timing,
        clock,
        log,
        signal: stopping.signal,
      });
    }),
  );
  log.info("the worker has stopped");
} catch (error) {
  state = "SETUP_FAILED";
  log.error("the worker cannot start", { error });
  sendReason(error);
  process.exitCode = 1;
} finally {
  for (const { decoder } of lanes) decoder.stop();
  await Promise.all(lanes.map(({ compute }) => compute.stop()));
  stopHealth?.();
  protection?.close();
  clients.destroy();
  if (process.connected) process.disconnect();
}
