import type { Visii, visii } from "visii-client";

/** The service's URL and API key: VISII_URL and VISII_KEY, as printed by `npm run dev`. */
export function readEnvironment(connect: typeof visii): {
  readonly api: Visii;
  readonly url: string;
  print(line: string): void;
} {
  const { VISII_URL: baseUrl, VISII_KEY: key } = process.env;
  if (!baseUrl || !key) throw new Error("set VISII_URL and VISII_KEY to the values that npm run dev prints");
  return {
    api: connect({ baseUrl, key }),
    url: baseUrl,
    print: (line) => void process.stdout.write(`${line}\n`),
  };
}
