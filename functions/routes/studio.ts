import { readFile } from "node:fs/promises";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { etag } from "hono/etag";
import { docsPage } from "../docs-page.ts";
import type { EdgeEnv } from "../edge.ts";

/** Allowlist of the files that are served. */
const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/studio/studio.css": ["studio.css", "text/css; charset=utf-8"],
  "/studio/studio.js": ["studio.js", "text/javascript; charset=utf-8"],
  "/studio/reference.css": ["reference.css", "text/css; charset=utf-8"],
  "/studio/reference.js": ["reference.js", "text/javascript; charset=utf-8"],
  "/studio/icon.svg": ["icon.svg", "image/svg+xml"],
  // Browsers request this for pages without an icon, such as /openapi.json.
  "/favicon.ico": ["icon.svg", "image/svg+xml"],
  "/studio/example/before.jpg": ["example/before.jpg", "image/jpeg"],
  "/studio/example/after.png": ["example/after.png", "image/png"],
  "/studio/example/flower.jpg": ["example/flower.jpg", "image/jpeg"],
  "/studio/example/coffee.jpg": ["example/coffee.jpg", "image/jpeg"],
  "/studio/example/mountain.jpg": ["example/mountain.jpg", "image/jpeg"],
} as const;

/**
 * Allows only our own scripts and styles, none inline. The host of the object store, which serves images, is
 * not fixed. Swagger UI's icons are `data:` URLs, and it shows a result as a `blob:` URL.
 */
const policy =
  "default-src 'self'; img-src * blob: data:; connect-src *; base-uri 'none'; frame-ancestors 'none'";

/** Serves the studio at / and the API reference at /docs. @param folder output of `buildStudio` */
export function addStudioRoutes(app: OpenAPIHono<EdgeEnv>, folder: URL): void {
  // Browsers then load the reference's script (1.6 MB) once for each version.
  app.use("/studio/*", etag());
  app.get("/docs", (context) => context.html(docsPage, 200, { "Content-Security-Policy": policy }));
  for (const [path, [file, type]] of Object.entries(files))
    app.get(path, async (context) => {
      const bytes = await readFile(new URL(file, folder));
      return context.body(new Uint8Array(bytes), 200, {
        "Content-Type": type,
        "Content-Security-Policy": policy,
      });
    });
}
