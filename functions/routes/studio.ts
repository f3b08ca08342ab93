import { readFile } from "node:fs/promises";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { EdgeEnv } from "../edge.ts";

/** The page's files; nothing else is ever read. */
const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/studio/studio.css": ["studio.css", "text/css; charset=utf-8"],
  "/studio/studio.js": ["studio.js", "text/javascript; charset=utf-8"],
  "/studio/api.js": ["api.js", "text/javascript; charset=utf-8"],
  "/studio/pictures.js": ["pictures.js", "text/javascript; charset=utf-8"],
} as const;

/** Own scripts only; pictures come from the store, wherever that is. */
const policy =
  "default-src 'self'; img-src * blob: data:; connect-src *; base-uri 'none'; frame-ancestors 'none'";

/** GET /: the studio, a page that does by hand what the API does. `folder` holds its files. */
export function addStudioRoutes(app: OpenAPIHono<EdgeEnv>, folder: URL): void {
  for (const [path, [file, type]] of Object.entries(files))
    app.get(path, async (context) => {
      const text = await readFile(new URL(file, folder), "utf8");
      return context.body(text, 200, { "Content-Type": type, "Content-Security-Policy": policy });
    });
}
