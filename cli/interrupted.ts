/** The user's own Ctrl-C (or SIGTERM): no failure, and not to be reported as one. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor(message = "Stopped; what was finished is kept.", options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * A signal that the first Ctrl-C or SIGTERM aborts. Our listeners then step aside, so that a second Ctrl-C has the system's
 * own effect: it ends the process at once, even in the midst of a native call.
 */
export function interruptSignal(process: NodeJS.Process, note: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    note("Stopping after this step; press Ctrl-C again to stop at once.");
    controller.abort(new Interrupted());
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return controller.signal;
}
