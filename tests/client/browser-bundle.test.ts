import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { build, type Metafile } from "esbuild";
import type * as client from "visii-client";
import { beforeAll, describe, expect, it } from "vitest";

const entry = fileURLToPath(new URL("../../client/visii.ts", import.meta.url));
let script: string;
let metafile: Metafile;

beforeAll(async () => {
  const bundle = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "browser",
    format: "iife",
    globalName: "client",
    metafile: true,
    write: false,
  });
  script = bundle.outputFiles[0]!.text;
  metafile = bundle.metafile;
});

/** Runs the bundle with the globals of browsers and without Node's. */
function loadInBrowser(send: typeof fetch): typeof client {
  const { Response, TextDecoderStream, TransformStream, URL, URLSearchParams, FormData, Blob } = globalThis;
  const web = {
    Response,
    TextDecoderStream,
    TransformStream,
    URL,
    URLSearchParams,
    FormData,
    Blob,
    setTimeout,
  };
  return runInNewContext(`${script}; client`, { ...web, fetch: send });
}

const options = { baseUrl: "https://visii.test", key: "visii_test_key" };

describe("the client in a browser", () => {
  it("contains only its own files and the parser of event streams", () => {
    const others = Object.keys(metafile.inputs).filter((path) => !path.startsWith("client/"));
    expect(others.filter((path) => !/node_modules\/eventsource-parser\//.test(path))).toEqual([]);
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
  });

  it("follows a job whose events come in arbitrary pieces", async () => {
    const stream = [
      'id: 1\ndata: {"type":"status","status":"running"}\n\n: still here\n\nid: 2\nda',
      'ta: {"type":"progress",\ndata: "progress":{"stage":"learn","step":1,"steps":2}}\r\n\r\n',
      'data: {"type":"status","status":"succeeded"}\n\n',
    ];
    const { visii } = loadInBrowser(async () => new Response(ReadableStream.from(stream.map(bytesOf))));
    const seen: client.JobEvent[] = [];
    for await (const event of visii(options).edits.events("edt_1")) seen.push(event);
    expect(seen).toEqual([
      { type: "status", status: "running" },
      { type: "progress", progress: { stage: "learn", step: 1, steps: 2 } },
      { type: "status", status: "succeeded" },
    ]);
  });

  it("downloads a result where redirects are followed invisibly", async () => {
    const { visii } = loadInBrowser(async (_, init) =>
      init?.redirect === "manual"
        ? Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" })
        : new Response(bytesOf("pixels")),
    );
    const bytes = await visii(options).edits.download("edt_1", 0);
    expect(new TextDecoder().decode(bytes)).toBe("pixels");
  });
});

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
