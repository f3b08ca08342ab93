/** Structured and one line each. Never a secret, never a signed link. */
export interface Log {
  info(message: string, facts?: LogFacts): void;
  /** With the error that caused it, which keeps its stack and `cause`. */
  error(message: string, facts?: LogFacts & { readonly error?: unknown }): void;
}
export type LogFacts = Readonly<Record<string, unknown>>;
