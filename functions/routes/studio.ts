import { readFile } from "node:fs/promises";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { EdgeEnv } from "../edge.ts";

/** Allowlist of the files that are served. */
const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/studio/studio.css": ["studio.css", "text/css; charset=utf-8"],
  "/studio/studio.js": ["studio.js", "text/javascript; charset=utf-8"],
  "/studio/icon.svg": ["icon.svg", "image/svg+xml"],
  // Browsers request this for pages without an icon, such as /docs.
  "/favicon.ico": ["icon.svg", "image/svg+xml"],
  "/studio/example/before.jpg": ["example/before.jpg", "image/jpeg"],
  "/studio/example/after.png": ["example/after.png", "image/png"],
  "/studio/example/flower.jpg": ["example/flower.jpg", "image/jpeg"],
  "/studio/example/coffee.jpg": ["example/coffee.jpg", "image/jpeg"],
  "/studio/example/mountain.jpg": ["example/mountain.jpg", "image/jpeg"],
} as const;

/** Only own scripts. Images come from the object store, whose host is not fixed. */
const policy =
  "default-src 'self'; img-src * blob: data:; connect-src *; base-uri 'none'; frame-ancestors 'none'";

/** GET /: the studio. @param folder output of `buildStudio` */
export function addStudioRoutes(app: OpenAPIHono<EdgeEnv>, folder: URL): void {
  for (const [path, [file, type]] of Object.entries(files))
    app.get(path, async (context) => {
      const bytes = await readFile(new URL(file, folder));
      return context.body(new Uint8Array(bytes), 200, {
        "Content-Type": type,
        "Content-Security-Policy": policy,
      });
    });
}
