import { z } from "zod";
import { SupervisedProcess } from "./supervised-process.ts";

const messageSchema = z.object({ port: z.number() });

/** The API as a separate process. After a crash it listens on the same port again. */
export class ApiProcess extends SupervisedProcess {
  port = 0;

  constructor(environment: Readonly<Record<string, string>>) {
    super({ entry: new URL("api-main.ts", import.meta.url), environment, stopGraceMs: 2000 });
  }

  protected override get name(): string {
    return "API";
  }

  protected override hear(message: unknown): void {
    this.port = messageSchema.parse(message).port;
    this.keep({ VISII_PORT: String(this.port) });
  }
}
