/** Ctrl-C or SIGTERM from the user. Not reported as a failure. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor(message = "Stopped; finished results are kept.", options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * Returns a signal that the first Ctrl-C or SIGTERM aborts. The listeners are then removed, so that a second
 * Ctrl-C ends the process immediately, even during a native call.
 */
export function interruptSignal(process: NodeJS.Process, note: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    note("Stopping after this step; press Ctrl-C again to stop immediately.");
    controller.abort(new Interrupted());
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return controller.signal;
}
