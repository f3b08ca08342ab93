import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicOnly } from "../../shared/outbound/outbound-policy.ts";
import { maxUploadBytes } from "../../shared/resources/upload.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

let server: Server;
let origin: string;
let api: Api;
let caller: Caller;

beforeAll(async () => {
  const png = await picture("png", { width: 30, height: 20 });
  const pages: Readonly<
    Record<string, () => readonly [number, Readonly<Record<string, string>>, Uint8Array?]>
  > = {
    "/photo": () => [200, { "content-type": "text/plain" }, png],
    "/moved": () => [302, { location: "/photo" }],
    "/round": () => [302, { location: "/round" }],
    "/inside": () => [302, { location: "http://169.254.169.254/latest/meta-data/" }],
    "/page": () => [200, { "content-type": "image/png" }, new TextEncoder().encode("<html>")],
    "/large": () => [200, { "content-length": String(maxUploadBytes + 1) }],
    "/endless": () => [200, {}, new Uint8Array(maxUploadBytes + 1)],
  };
  server = createServer((request, response) => {
    if (request.url === "/slow") return;
    const [status, headers, body] = pages[request.url ?? ""]?.() ?? [404, {}];
    response.writeHead(status, headers);
    if (request.url === "/large") response.flushHeaders();
    else response.end(body);
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  api = await Api.open(
    {},
    {
      ...publicOnly,
      timeout: 5_000,
      refuseUrl: (url) => (url.startsWith(origin) ? undefined : publicOnly.refuseUrl(url)),
      refuseIp: (address) => (address === "127.0.0.1" ? undefined : publicOnly.refuseIp(address)),
    },
  );
  caller = await api.caller();
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await api?.stop();
});

const download = (url: string) => caller("POST", "/v1/uploads/download", { url });

describe("a download from a URL", () => {
  it.each(["/photo", "/moved"])("becomes an upload that a job can use: %s", async (path) => {
    const { status, body } = await download(origin + path);
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ status: "ready", content_type: "image/png", width: 30, height: 20 }),
    ]);
    const edit = await caller("POST", "/v1/edits", { images: [body.id], text: "make it blue" });
    expect(edit.status).toBe(202);
    expect((await caller("GET", `/v1/uploads/${body.id}`)).body).toEqual(body);
  });

  it("may be a data URI", async () => {
    const png = Buffer.from(await picture("png", { width: 8, height: 8 })).toString("base64");
    const { status, body } = await download(`data:image/png;base64,${png}`);
    expect([status, body.width]).toEqual([201, 8]);
    expect((await download("data:image/png,%89PNG")).body).toMatchObject({ code: "invalid_upload" });
  });

  it.each([
    ["an address that is not there", "/none", 422, "download_failed", /returned status 404/],
    ["one that redirects for ever", "/round", 422, "download_failed", /more than 3 times/],
    ["one that redirects to the inside", "/inside", 422, "forbidden_url", /https/],
    ["a page that calls itself a picture", "/page", 415, "unsupported_image", /not a complete/],
    ["a file announced as too large", "/large", 413, "too_large", /the limit/],
    ["a file that is too large and does not say so", "/endless", 413, "too_large", /the limit/],
    ["one that never answers", "/slow", 422, "download_failed", /longer than 5 seconds/],
  ])("is refused with a reason: %s", async (_, path, status, code, detail) => {
    const answer = await download(origin + path);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.detail).toMatch(detail);
  });

  it.each([
    "http://example.com/a.jpg",
    "https://10.0.0.1/a.jpg",
    "https://localhost/a.jpg",
    "ftp://example.com/a",
  ])("does not connect to %s", async (url) => {
    expect((await download(url)).body).toMatchObject({ status: 422, code: "forbidden_url" });
  });

  it("counts as an open connection of the account", async () => {
    const narrow = await Api.open({ heldConnections: 0 });
    const { body } = await (await narrow.caller())("POST", "/v1/uploads/download", {
      url: "https://example.com/a.jpg",
    });
    expect(body).toMatchObject({ status: 429, code: "too_many_downloads" });
    await narrow.stop();
  });
});
