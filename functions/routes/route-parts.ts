import { z } from "@hono/zod-openapi";
import { type IdKind, idSchema } from "../../shared/ids.ts";
import { problemContentType, problemSchema } from "../../shared/problem.ts";

/** Parts shared by the route definitions. */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  content: { "application/json": { schema } },
  description,
});

export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  body: { content: { "application/json": { schema } }, required: true },
});

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
