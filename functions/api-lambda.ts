/** Lambda entry point of the API, invoked by a Function URL with response streaming. */
import { streamHandle } from "hono/aws-lambda";
import { createApp } from "./app.ts";
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";

export const handler = streamHandle(createApp(openEdge(readEdgeConfig()).edge));
