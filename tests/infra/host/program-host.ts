/**
 * Runs `sst.config.ts` as SST does, with replacements for Pulumi's engine and SST's server, and writes all resources to
 * a file. `evaluate.ts` bundles it with the program and SST's sources. The globals are SST's.
 */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { answerCall, newState } from "./mocked-aws.ts";

interface Program {
  readonly app: (input: { readonly stage: string }) => unknown;
  readonly run: () => Promise<unknown>;
}
interface Orders {
  readonly root: string;
  readonly stage: string;
  readonly work: string;
  readonly out: string;
}
type Options = Readonly<Record<string, unknown>> & { readonly parent?: { readonly __name?: string } };

export async function host(program: Program, run: (program: Program["run"]) => Promise<unknown>) {
  const orders = JSON.parse(process.argv[2] ?? "") as Orders;
  const app = (await program.app({ stage: orders.stage })) as Readonly<Record<string, unknown>>;
  const { root, work } = orders;
  Object.assign($app, { ...app, stage: orders.stage });
  Object.assign($cli, {
    command: "deploy",
    paths: { home: work, root, work, platform: `${root}/.sst/platform` },
    state: { version: {} },
  });
  const builds: unknown[] = [];
  const server = await startSstServer(orders, builds);

  const resources: Record<string, unknown>[] = [];
  const options = new Map<string, Options>();
  const { runtime } = $util;
  await runtime.setMocks(
    {
      newResource({ type, name, inputs, id }) {
        const state = newState(type, name, inputs);
        resources.push({ type, name, inputs, state, existing: Boolean(id) });
        return { id: id || String(state.id), state };
      },
      call: ({ token, inputs }) => answerCall(token, inputs),
    },
    "visii",
    orders.stage,
    false,
  );
  const outputs = await runtime.runInPulumiStack(() =>
    run(async () => {
      // Registered last, so it sees the options after the transformations of SST and its components.
      runtime.registerStackTransformation(({ type, name, opts }) => {
        options.set(`${type} ${name}`, opts as Options);
        return undefined;
      });
      return program.run();
    }),
  );
  await runtime.disconnect();
  server.close();
  server.closeAllConnections();
  const evaluated = resources.map((resource) => {
    const own = options.get(`${resource.type} ${resource.name}`) ?? {};
    return {
      ...resource,
      options: {
        retainOnDelete: own.retainOnDelete ?? false,
        protect: own.protect ?? false,
        ignoreChanges: own.ignoreChanges ?? [],
        parent: own.parent?.__name,
        dependsOn: [own.dependsOn ?? []].flat().map((each) => (each as { __name?: string }).__name ?? ""),
      },
    };
  });
  writeFileSync(orders.out, JSON.stringify(plain({ app, outputs, builds, resources: evaluated })));
}

/** Pulumi's mark of secret values. The tests need the values, to find where they are used. */
const secretMark = "4dabf18193072939515e22adb298388d";

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (secretMark in value && "value" in value) return plain(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** SST's server for its components: its buckets, and the output folder of a function's build. */
async function startSstServer({ root, work }: Orders, builds: unknown[]) {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { method, params } = JSON.parse(text) as {
      method: string;
      params: [{ handler: string; functionID: string }];
    };
    const answer = () => {
      if (method === "Provider.Aws.Bootstrap")
        return {
          result: {
            asset: "sst-asset-test",
            state: "sst-state-test",
            assetEcrRegistryId: "123456789012",
            assetEcrUrl: "test",
          },
        };
      if (method === "Runtime.Build") {
        const { handler, functionID } = params[0];
        builds.push(params[0]);
        const out = `${work}/artifacts/${functionID}-src`;
        const file = `${out}/${handler.replace(/\.\w+$/, ".mjs")}`;
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, `// ${root}`);
        return { result: { handler, out, errors: [], sourcemaps: [] } };
      }
      return { error: `rpc: can't find ${method}` };
    };
    response.end(JSON.stringify(answer()));
  });
  // On a slow machine, a pause can exceed Node's default timeout for idle connections.
  server.keepAliveTimeout = 600_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.env.SST_SERVER = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return server;
}
