/** A structured log. Never log secrets or signed URLs. */
export interface Log {
  info(message: string, facts?: LogFacts): void;
  /** Logs an error with its stack and `cause`. */
  error(message: string, facts?: LogFacts & { readonly error?: unknown }): void;
}
export type LogFacts = Readonly<Record<string, unknown>>;
