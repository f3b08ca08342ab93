/** Entry point of the worker: the queue on one side, the process that computes on the other; they meet only here. */
import { openAdapters } from "../shared/aws/aws-config.ts";
import { JobStore } from "../shared/jobs/job-store.ts";
import { createJsonLog } from "../shared/json-log.ts";
import { Ledger } from "../shared/ledger/ledger.ts";
import { systemClock as clock, systemRandom as random } from "../shared/system-clock.ts";
import { ComputeProcess } from "./compute/compute-process.ts";
import { createJobWork } from "./compute/job-work.ts";
import { workerConfigSchema } from "./config.ts";
import { consume } from "./queue/consume.ts";
import { startHealthServer, type WorkerState } from "./queue/health-server.ts";
import { createJobHandler } from "./queue/run-job.ts";

const config = workerConfigSchema.parse(process.env);
const log = createJsonLog((line) => process.stderr.write(`${line}\n`), clock.now, config.VISII_LOG);
const { clients, table, objects, queues, timing } = openAdapters(config, clock);
const jobs = new JobStore({ table, queues, clock, timing });
const ledger = new Ledger(table, clock);

const stopping = new AbortController();
// SIGTERM is also how a container service passes on a Spot notice: state is saved, the job goes back to the queue.
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopping.abort());
// A parent that is gone cannot stop us any more.
process.once("disconnect", () => stopping.abort());

let state: WorkerState = "STARTING";
let busy = 0;
const stopHealth =
  config.VISII_HEALTH_PORT === undefined
    ? undefined
    : startHealthServer(config.VISII_HEALTH_PORT, () => state);

const lanes = config.VISII_LANES.map((names) => ({
  names,
  compute: new ComputeProcess({
    ...{ model: config.VISII_MODEL, device: config.VISII_DEVICE, patience: 20_000 },
    ...(config.VISII_THREADS === undefined ? {} : { threads: config.VISII_THREADS }),
  }),
}));

try {
  const [model] = await Promise.all(lanes.map(({ compute }) => compute.ready()));
  state = "READY";
  log.info("the worker is ready", { model, lanes: lanes.map(({ names }) => names) });
  process.send?.({ type: "ready", pids: lanes.map(({ compute }) => compute.pid) });
  await Promise.all(
    lanes.map(({ names, compute }) => {
      const work = createJobWork({ objects, clock, compute, saveEvery: config.VISII_SAVE_EVERY });
      const handle = createJobHandler({ jobs, ledger, table, clock, random, log }, work);
      return consume({
        queues: names.map((name) => queues[name]),
        async handle(message, signal) {
          state = ++busy ? "BUSY" : state;
          try {
            return await handle(message, signal);
          } finally {
            state = --busy ? "BUSY" : "READY";
          }
        },
        ...{ timing, clock, log, signal: stopping.signal },
      });
    }),
  );
  log.info("the worker has stopped");
} catch (error) {
  state = "SETUP_FAILED";
  log.error("the worker cannot start", { error });
  process.exitCode = 1;
} finally {
  await Promise.all(lanes.map(({ compute }) => compute.stop()));
  stopHealth?.();
  clients.destroy();
  if (process.connected) process.disconnect();
}
