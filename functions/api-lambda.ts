/** Entry point of the API as a Lambda function behind a Function URL with response streaming. */
import { streamHandle } from "hono/aws-lambda";
import { createApp } from "./app.ts";
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";

export const handler = streamHandle(createApp(openEdge(readEdgeConfig()).edge));
