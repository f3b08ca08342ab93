import { z } from "@hono/zod-openapi";
import { createId, type IdKind, idSchema } from "../../shared/ids.ts";
import { problemContentType, problemSchema } from "../../shared/problem.ts";

/** Parts shared by the route definitions. */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  content: { "application/json": { schema } },
  description,
});

/**
 * @param example the initial body in the reference's "try it", which otherwise sets every option at random
 */
export const jsonBody = <Schema extends z.ZodType>(schema: Schema, example: z.input<Schema>) => ({
  body: { content: { "application/json": { schema, example } }, required: true },
});

/** A valid ID for an example. */
export const exampleId = (kind: IdKind, digit = 1): string =>
  createId(kind, 0, new Uint8Array(10).fill(digit));

/**
 * Links of a response to the operations that take the ID in its body as `id` in their path. Links into bodies are
 * left out, because openapi-generator refuses a document with any.
 */
export function linksTo(...operations: readonly string[]) {
  return {
    links: Object.fromEntries(
      operations.map((operationId) => [
        operationId,
        { operationId, parameters: { id: "$response.body#/id" } },
      ]),
    ),
  };
}

const problem = problemSchema.meta({ id: "Problem" });

const problemBody = { content: { [problemContentType]: { schema: problem } } };

/** Every route may return a problem. */
export const orProblem = {
  "4XX": { ...problemBody, description: "The request was refused; `code` and `detail` give the reason" },
  "5XX": { ...problemBody, description: "The service failed; repeat the request later" },
} as const;

export const idParams = (kind: IdKind) =>
  z.object({ id: idSchema(kind).meta({ param: { name: "id", in: "path" } }) });

export const secured: Record<string, string[]>[] = [{ key: [] }];

/** Encodes the sort key of a page's last row. Callers treat it as opaque. */
export const encodeCursor = (sortKey: string): string => Buffer.from(sortKey).toString("base64url");
export const decodeCursor = (cursor: string): string => Buffer.from(cursor, "base64url").toString("utf8");
