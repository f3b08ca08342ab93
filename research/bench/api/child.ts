import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * A child process of the benchmark. Its first message reports that it is ready; then each question gets one
 * answer.
 */
export class Child<Ready> {
  readonly #process: ChildProcess;
  readonly ready: Ready;

  private constructor(process: ChildProcess, ready: Ready) {
    this.#process = process;
    this.ready = ready;
  }

  static async start<Ready>(file: string, argument: unknown = {}): Promise<Child<Ready>> {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(argument)], {
      env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
      execArgv: ["--import", import.meta.resolve("tsx")],
    });
    return new Child(child, await nextMessage<Ready>(child));
  }

  ask<Answer>(question: object): Promise<Answer> {
    const answer = nextMessage<Answer>(this.#process);
    this.#process.send(question);
    return answer;
  }

  stop(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.disconnect();
    return gone;
  }
}

function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) =>
      reject(new Error(`a process of the bench ended with code ${code}`));
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(message as Message);
    });
  });
}

/** CPU time of this process in milliseconds. */
export function usedMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
