import { createRoute, type OpenAPIHono, type z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { pageOf } from "../../shared/resources/fields.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { isDryRun, quote, quoteSchema } from "../quote.ts";
import type { Waited } from "../wait-for-job.ts";
import { dryRunHeader, idempotencyKeyHeader, jobHeaders, preferHeader } from "./request-headers.ts";
import { idParams, json, type jsonBody, linksTo, orProblem, secured } from "./route-parts.ts";

const names = {
  instructions: ["instruction", "Instruction", "Instructions"],
  edits: ["edit", "Edit", "Edits"],
  batches: ["batch", "Batch", "Batches"],
} as const;

/** The part of a presented resource that the routes use. */
interface Resource {
  readonly urls: { readonly self: string };
}
type ResourceSchema = z.ZodType<Resource, Resource>;

interface Collection<Stored, Schema extends ResourceSchema> {
  readonly find: (context: Context<EdgeEnv>, id: string) => Promise<Stored>;
  readonly present: (stored: Stored, full: boolean) => z.output<Schema> | Promise<z.output<Schema>>;
  /** Handles `Prefer: wait`. Without it, the routes do not accept the header. */
  readonly wait?: (context: Context<EdgeEnv>, stored: Stored) => Promise<Waited<Stored>>;
}

/** Links of a created job. */
const links = {
  instructions: linksTo("getInstruction", "updateInstruction", "cancelInstruction", "deleteInstruction"),
  edits: linksTo("getEdit", "cancelEdit", "deleteEdit"),
  batches: linksTo(
    "getBatch",
    "cancelBatch",
    "pauseBatch",
    "resumeBatch",
    "getBatchOutput",
    "getBatchErrors",
    "deleteBatch",
  ),
};

interface Creation<Body extends z.ZodType, Stored> {
  /** Appended to the collection's path. */
  readonly path?: `/${string}`;
  readonly operationId?: string;
  readonly summary: string;
  readonly body: ReturnType<typeof jsonBody<Body>>;
  /** Validates the request. A dry run calls `cost`, any other request `submit`. */
  readonly plan: (
    context: Context<EdgeEnv>,
    request: z.output<Body>,
  ) => Promise<{ readonly cost: () => number; readonly submit: () => Promise<Stored> }>;
}

interface Listing<Query extends z.ZodObject, Stored> {
  readonly query: Query;
  readonly page: (
    context: Context<EdgeEnv>,
    query: z.output<Query>,
  ) => Promise<{ readonly items: readonly Stored[]; readonly next?: string | undefined }>;
}

/**
 * The routes that collections of jobs share, each with its handler. Each method adds one route. The OpenAPI
 * document has the routes in the order of the calls.
 */
export function jobRoutes<Stored, Schema extends ResourceSchema>(
  app: OpenAPIHono<EdgeEnv>,
  edge: Edge,
  collection: keyof typeof names,
  schema: Schema,
  { find, present, wait }: Collection<Stored, Schema>,
) {
  const [kind, Kind, Kinds] = names[collection];
  const base = { tags: [Kinds], security: secured };
  const one = { params: idParams(kind) };
  // Widened, because the handlers' types cannot depend on a type parameter.
  const shown: ResourceSchema = schema;
  const show = async (stored: Stored, full: boolean): Promise<Resource> => present(stored, full);
  const responses = { 200: json(shown, `The ${kind}`), ...orProblem };

  return {
    create<Body extends z.ZodType>({ path, operationId, summary, body, plan }: Creation<Body, Stored>): void {
      // Documented only if the routes can wait, but always part of the handler's type.
      const ended = { 201: json(shown, `The ${kind}, which ended during \`Prefer: wait\``) };
      const request: ReturnType<typeof jsonBody<z.ZodType>> = body;
      const route = createRoute({
        ...base,
        method: "post",
        path: `/v1/${collection}${path ?? ""}`,
        operationId: operationId ?? `create${Kind}`,
        parameters: wait ? jobHeaders : [idempotencyKeyHeader, dryRunHeader],
        summary,
        request,
        responses: {
          200: json(quoteSchema, "A dry run"),
          ...((wait ? ended : {}) as typeof ended),
          202: { ...json(shown, "Accepted"), ...links[collection] },
          ...orProblem,
        },
      });
      app.openapi(route, async (context) => {
        const { cost, submit } = await plan(context, context.req.valid("json") as z.output<Body>);
        if (isDryRun(context)) return context.json(await quote(edge, context, cost()), 200);
        const stored = await submit();
        const { now, hasEnded } = (await wait?.(context, stored)) ?? { now: stored, hasEnded: false };
        const resource = await show(now, false);
        context.header("Location", resource.urls.self);
        return context.json(resource, hasEnded ? 201 : 202);
      });
    },

    list<Query extends z.ZodObject>({ query: given, page }: Listing<Query, Stored>): void {
      const query: z.ZodObject = given;
      const route = createRoute({
        ...base,
        method: "get",
        path: `/v1/${collection}`,
        operationId: `list${Kinds}`,
        summary: `List ${collection}, newest first`,
        request: { query },
        responses: { 200: json(pageOf(shown).meta({ id: `${Kind}Page` }), "A page"), ...orProblem },
      });
      app.openapi(route, async (context) => {
        const { items, next } = await page(context, context.req.valid("query") as z.output<Query>);
        const data = await Promise.all(items.map((stored) => show(stored, false)));
        return context.json({ data, ...(next === undefined ? {} : { next_cursor: next }) }, 200);
      });
    },

    get(summary: string): void {
      const route = createRoute({
        ...base,
        method: "get",
        path: `/v1/${collection}/{id}`,
        operationId: `get${Kind}`,
        ...(wait ? { parameters: [preferHeader] } : {}),
        summary,
        request: one,
        responses,
      });
      app.openapi(route, async (context) => {
        const stored = await find(context, context.req.valid("param").id);
        const { now } = (await wait?.(context, stored)) ?? { now: stored };
        return context.json(await show(now, true), 200);
      });
    },

    delete(
      { summary, description = "Deleted" }: { readonly summary: string; readonly description?: string },
      remove: (context: Context<EdgeEnv>, id: string) => Promise<void>,
    ): void {
      const route = createRoute({
        ...base,
        method: "delete",
        path: `/v1/${collection}/{id}`,
        operationId: `delete${Kind}`,
        summary,
        request: one,
        responses: { 204: { description }, ...orProblem },
      });
      app.openapi(route, async (context) => {
        await remove(context, context.req.valid("param").id);
        return context.body(null, 204);
      });
    },

    /** POST …/{id}/ACTION, such as `cancel`. */
    action(
      name: string,
      summary: string,
      act: (context: Context<EdgeEnv>, id: string) => Promise<Stored>,
    ): void {
      const route = createRoute({
        ...base,
        method: "post",
        path: `/v1/${collection}/{id}/${name}`,
        operationId: `${name}${Kind}`,
        summary,
        request: one,
        responses,
      });
      app.openapi(route, async (context) =>
        context.json(await show(await act(context, context.req.valid("param").id), false), 200),
      );
    },
  };
}
