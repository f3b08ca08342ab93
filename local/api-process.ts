import { z } from "zod";
import { SupervisedProcess } from "./supervised-process.ts";

const messageSchema = z.object({ port: z.number() });

/** The API in a process of its own; one that takes a dead one's place listens where that one did. */
export class ApiProcess extends SupervisedProcess {
  port = 0;

  constructor(environment: Readonly<Record<string, string>>) {
    super({ entry: new URL("api-main.ts", import.meta.url), environment, patience: 2000 });
  }

  protected override get name(): string {
    return "API";
  }

  protected override hear(message: unknown): void {
    this.port = messageSchema.parse(message).port;
    this.keep({ VISII_PORT: String(this.port) });
  }
}
