import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assembleWorker } from "../../gpu-worker/container/assemble.ts";
import { createAwsClients } from "../../shared/aws/clients.ts";
import { publishModel } from "../../shared/aws/published-model.ts";
import { picture } from "../functions/test-images.ts";
import { Container, freePort, standInAddresses, taskEnvironment } from "../gpu-worker/container/container.ts";
import { RunningService, tinyModel } from "../local/running-service.ts";
import { Cloud, type Container as Definition } from "./cloud.ts";
import { evaluate, root } from "./evaluate.ts";
import { imageNode } from "./image-node.ts";

/** As root, containers run as the user of the task; otherwise as the user of the test. */
const isRoot = process.getuid?.() === 0;

describe.skipIf(!imageNode)("the worker's containers, started as in the task definition", () => {
  let scratch: string;
  let running: RunningService;
  let model: Definition;
  let worker: Definition;
  let port: number;

  beforeAll(async () => {
    const cloud = new Cloud("cpu-only", await evaluate("cpu-only"));
    ({ model, worker } = cloud.tasks.find(({ name }) => name.startsWith("Interactive"))!);
    running = await RunningService.start({ workers: 0 });
    const { aws, bucket } = running.service.standIns;
    const { s3, destroy } = createAwsClients(aws);
    await publishModel({ s3, bucket, prefix: variables(model).VISII_MODEL_SOURCE! }, tinyModel);
    destroy();
    port = await freePort();
    scratch = await mkdtemp(join(tmpdir(), "visii-containers-"));
    await assembleWorker(root, join(scratch, "worker"));
    // Containers do not use the repository or its Node.
    await cp(imageNode!.program, join(scratch, "bin", "node"));
    await mkdir(join(scratch, "models"));
    await chmod(scratch, 0o755);
    if (isRoot) await chown(join(scratch, "models"), ...userOf(model));
  });
  afterAll(async () => {
    await running?.stop();
    await rm(scratch, { recursive: true, force: true });
  });

  const variables = ({ environment }: Definition): Readonly<Record<string, string>> =>
    Object.fromEntries(environment.map(({ name, value }) => [name, value]));
  const userOf = ({ user }: Definition) => user!.split(":").map(Number) as [number, number];
  /** Replaces the container's folder and port by those of the test. */
  const placed = (text: string) =>
    text
      .replaceAll(/(?<![\w/])\/models(?=\/|$)/g, join(scratch, "models"))
      .replaceAll(worker.environment.find(({ name }) => name === "VISII_HEALTH_PORT")!.value, String(port));

  /** Starts a container as defined, with stand-ins for AWS. */
  function start(definition: Definition, command: readonly string[]): Container {
    const { standIns } = running.service;
    const { VISII_BUCKET, VISII_TABLE, VISII_QUEUE_URLS, VISII_SETTLEMENT_QUEUE_URL } =
      taskEnvironment(standIns);
    const defined = Object.fromEntries(
      Object.entries(variables(definition)).map(([name, value]) => [name, placed(value)]),
    );
    const environment = {
      ...defined,
      ...standInAddresses(standIns),
      VISII_BUCKET,
      ...("VISII_TABLE" in defined ? { VISII_TABLE, VISII_QUEUE_URLS, VISII_SETTLEMENT_QUEUE_URL } : {}),
    };
    return new Container(join(scratch, "worker"), command.map(placed), environment, {
      nodeFolder: join(scratch, "bin"),
      ...(isRoot ? { user: userOf(definition)[0] } : {}),
    });
  }
  const health = () => {
    const [kind, command] = worker.healthCheck!.command;
    expect(kind).toBe("CMD-SHELL");
    return start(worker, ["/bin/sh", "-c", command!]).ended;
  };

  test("two tasks that start at the same time download the weights once", async () => {
    const both = [start(model, model.command), start(model, model.command)];
    for (const container of both) expect(await container.ended, container.log).toBe(0);
    const fetched = both.map(({ lines }) => Number(lines.at(-1)?.bytes));
    expect(fetched.map((bytes) => bytes > 0).sort()).toEqual([false, true]);
    const folder = placed(variables(worker).VISII_MODEL!);
    expect(dirname(dirname(folder))).toBe(join(scratch, "models"));
    expect(await readdir(folder)).toEqual(expect.arrayContaining(["manifest.json", "unet", "vae"]));
  });

  test("the health command fails until the worker is ready, which then runs a job and stops on SIGTERM", async () => {
    expect(await health()).toBe(1);
    // The worker's mount is read-only, so its user must not own the folder.
    if (isRoot) await chown(join(scratch, "models"), 0, 0);
    const container = start(worker, worker.command);
    try {
      await expect.poll(health, { timeout: 60_000, interval: 500 }).toBe(0);
      const images = [await running.upload(await picture())];
      const { body } = await running.call("POST", "/v1/edits", { text: "sepia", images, steps: 1 });
      expect(await running.end(`/v1/edits/${body.id}`, 60), container.log).toMatchObject({
        status: "succeeded",
      });
    } finally {
      expect((await container.stop()).code).toBe(0);
    }
    expect(await health()).toBe(1);
    expect(container.lines.every(({ Stage }) => Stage === "cpu-only")).toBe(true);
  });
});
