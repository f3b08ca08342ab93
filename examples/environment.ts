import type { Visii, visii } from "visii-client";

/** Where the service is and which key opens it: VISII_URL and VISII_KEY, as `npm run dev` prints them. */
export function readEnvironment(connect: typeof visii): { readonly api: Visii; print(line: string): void } {
  const { VISII_URL: baseUrl, VISII_KEY: key } = process.env;
  if (!baseUrl || !key) throw new Error("set VISII_URL and VISII_KEY, as npm run dev prints them");
  return { api: connect({ baseUrl, key }), print: (line) => void process.stdout.write(`${line}\n`) };
}
