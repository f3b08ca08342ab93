import { createHash } from "node:crypto";

export const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** An ID in the format of EC2, such as `subnet-` and 17 digits; the same for the same name. */
export const madeUpId = (prefix: string, name: string): string =>
  `${prefix}-0${digest(name).toString("hex").slice(0, 16)}`;
