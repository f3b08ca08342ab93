import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toFailure } from "../../gpu-worker/compute/task-failure.ts";
import { VisibleError } from "../../shared/errors.ts";
import { apiErrors, problemType } from "../../shared/problem.ts";
import { Api } from "./api.ts";

interface Body {
  readonly content?: Readonly<Record<string, { readonly schema: unknown; readonly example?: unknown }>>;
}
interface Operation {
  readonly requestBody?: Body;
  readonly responses?: Readonly<
    Record<string, Body & { readonly links?: Readonly<Record<string, { readonly operationId: string }>> }>
  >;
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
}
interface Nested {
  readonly properties?: Readonly<Record<string, Nested>>;
  readonly items?: Nested;
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

let api: Api;
let text: string;
let paths: Paths;
beforeAll(async () => {
  api = await Api.open();
  text = await (await api.app.request("/openapi.json")).text();
  ({ paths } = JSON.parse(text));
});
afterAll(() => api?.stop());

const operations = () =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );

describe("the API's description", () => {
  it("gives each operation a summary and a unique ID that is valid in generated code", () => {
    const names = operations().map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { operation } of operations()) {
      expect(operation.operationId).toMatch(/^[A-Za-z_]+$/);
      expect(operation.summary).toBeTruthy();
    }
  });

  it("describes every group of operations, and the errors of each operation", () => {
    const groups = JSON.parse(text).tags as { name: string; description: string }[];
    for (const { description } of groups) expect(description).toBeTruthy();
    for (const { operation } of operations()) {
      expect(groups.map(({ name }) => name)).toContain(operation.tags?.[0]);
      expect(Object.keys(operation.responses ?? {})).toEqual(expect.arrayContaining(["4XX", "5XX"]));
    }
  });

  it("declares every part of a path as a required parameter, and has no dangling references", () => {
    for (const { path, operation } of operations())
      for (const [, name] of path.matchAll(/\{(\w+)\}/g))
        expect([path, operation.parameters]).toEqual([
          path,
          expect.arrayContaining([expect.objectContaining({ name, in: "path", required: true })]),
        ]);
    const { schemas } = JSON.parse(text).components;
    for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
      expect(Object.keys(schemas)).toContain(name);
  });

  it("links every operation on a resource to the responses that create one", () => {
    const ids = new Set(operations().map(({ operation }) => operation.operationId));
    const linked = operations().flatMap(({ operation }) =>
      Object.values(operation.responses ?? {}).flatMap(({ links }) => Object.values(links ?? {})),
    );
    for (const { operationId } of linked) expect(ids).toContain(operationId);
    const targets = new Set(linked.map(({ operationId }) => operationId));
    const unlinked = operations().filter(
      ({ path, operation }) => /\{id\}/.test(path) && !targets.has(operation.operationId ?? ""),
    );
    // A result exists only when its edit has ended, and a stream only until then.
    expect(unlinked.map(({ operation }) => operation.operationId).sort()).toEqual([
      "followEdit",
      "followInstruction",
      "getEditResult",
    ]);
  });

  it("declares the headers for idempotency, waiting, deadlines and resuming", () => {
    const headersOf = (path: string, method: string) =>
      (paths[path]?.[method]?.parameters ?? []).flatMap(({ name, in: place }) =>
        place === "header" ? [name] : [],
      );
    for (const path of ["/v1/edits", "/v1/instructions", "/v1/instructions/import"])
      expect(headersOf(path, "post")).toEqual(["Idempotency-Key", "Prefer", "Cancel-After"]);
    expect(headersOf("/v1/batches", "post")).toEqual(["Idempotency-Key", "Prefer"]);
    expect(headersOf("/v1/edits/{id}", "get")).toEqual(["Prefer"]);
    expect(headersOf("/v1/edits/{id}/events", "get")).toEqual(["Last-Event-ID"]);
  });

  it("names every schema, so that generated code has names for them", () => {
    const { schemas } = JSON.parse(text).components as { schemas: Record<string, Nested> };
    const unnamed = Object.entries(schemas).flatMap(([name, schema]) =>
      Object.entries(schema.properties ?? {})
        .filter(([, { properties, items }]) => properties ?? items?.properties)
        .map(([field]) => `${name}.${field}`),
    );
    expect(unnamed).toEqual([]);
    const bodies = operations().flatMap(({ operation: { requestBody, responses = {} } }) =>
      [requestBody, ...Object.values(responses)].flatMap((part) =>
        Object.values(part?.content ?? {}).map(({ schema }) => schema),
      ),
    );
    for (const schema of bodies) expect(schema).toEqual({ $ref: expect.any(String) });
    expect(schemas.WebhookPayload).toBeDefined();
  });

  it("starts each body with an example that the API accepts", async () => {
    const call = await api.caller();
    for (const { path, method, operation } of operations()) {
      if (!operation.requestBody) continue;
      const example = operation.requestBody.content?.["application/json"]?.example;
      expect([operation.operationId, example]).toEqual([operation.operationId, expect.any(Object)]);
      // Would connect to another server.
      if (operation.operationId === "downloadUpload") continue;
      const kind = path.startsWith("/v1/webhooks") ? "whk" : "ins";
      const { body } = await call(
        method.toUpperCase(),
        path.replace("{id}", `${kind}_${"0".repeat(26)}`),
        example,
      );
      // The resources of the example do not exist.
      expect([undefined, "not_found"], operation.operationId).toContain(body.code);
    }
  });
});

describe("the error codes", () => {
  it("are the same in the description and in docs/service.md", async () => {
    const table = apiErrors.map(([code, status, meaning]) => `| ${status} | \`${code}\` | ${meaning} |`);
    const rowsOf = (markdown: string) => markdown.match(/^\| (\d{3}|job) \| `\w+` \| .* \|$/gm);
    expect(new Set(apiErrors.map(([code]) => code)).size).toBe(apiErrors.length);
    expect(rowsOf(JSON.parse(text).info.description)).toEqual(table);
    expect(rowsOf(await readFile(new URL("../../docs/service.md", import.meta.url), "utf8"))).toEqual(table);
  });

  it("of a task are the API's; a failure of the model's files is only logged", () => {
    expect(toFailure(new VisibleError("damaged_image", "Image 1 is damaged."))).toMatchObject({
      kind: "visible",
      code: "damaged_image",
    });
    expect(toFailure(new VisibleError("invalid_weights", "unet.safetensors is damaged."))).toMatchObject({
      kind: "broken",
      code: "internal",
      message: "the computation failed",
    });
  });
});

describe("the page at /docs", () => {
  it("explains the code of each problem where the problem's type points", async () => {
    const page = await (await api.app.request("/docs")).text();
    for (const [code] of apiErrors) {
      const [path, anchor] = problemType(code).split("#");
      expect(path).toBe("/docs");
      expect(page).toContain(`id="${anchor}"`);
    }
  });

  it("has no inline script or style, and loads nothing from another host", async () => {
    const response = await api.app.request("/docs");
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'self';/);
    expect(response.headers.get("content-security-policy")).not.toContain("unsafe");
    const page = await response.text();
    expect(page).not.toMatch(/<style|style=|<script(?![^>]* src=)|https?:/);
    for (const [, path] of page.matchAll(/ (?:src|href)="([^"]*)"/g)) expect(path).toMatch(/^\/(?!\/)/);
  });
});
