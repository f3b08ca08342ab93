import { createHash } from "node:crypto";

export const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** An id as EC2 makes them: `subnet-` and 17 digits, always the same for a name. */
export const madeUpId = (prefix: string, name: string): string =>
  `${prefix}-0${digest(name).toString("hex").slice(0, 16)}`;
