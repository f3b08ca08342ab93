import { z } from "@hono/zod-openapi";
import { createId, type IdKind, idSchema } from "../../shared/ids.ts";
import { problemContentType, problemSchema } from "../../shared/problem.ts";

/** Parts shared by the route definitions. */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  content: { "application/json": { schema } },
  description,
});

/** @param example the body that the reference's "try it" starts with; without it, every option at a random value */
export const jsonBody = <Schema extends z.ZodType>(schema: Schema, example: z.input<Schema>) => ({
  body: { content: { "application/json": { schema, example } }, required: true },
});

/** A valid ID for an example. */
export const exampleId = (kind: IdKind, digit = 1): string =>
  createId(kind, 0, new Uint8Array(10).fill(digit));

const problem = problemSchema.meta({ id: "Problem" });

const problemBody = { content: { [problemContentType]: { schema: problem } } };

/** Every route may return a problem. */
export const orProblem = {
  "4XX": { ...problemBody, description: "The request was refused; `code` and `detail` say why" },
  "5XX": { ...problemBody, description: "The service failed; repeat the request later" },
} as const;

export const idParams = (kind: IdKind) =>
  z.object({ id: idSchema(kind).meta({ param: { name: "id", in: "path" } }) });

export const secured: Record<string, string[]>[] = [{ key: [] }];

/** The sort key of the last row of a page; opaque to callers. */
export const encodeCursor = (sortKey: string): string => Buffer.from(sortKey).toString("base64url");
export const decodeCursor = (cursor: string): string => Buffer.from(cursor, "base64url").toString("utf8");
