import { RetryableError, VisibleError } from "../errors.ts";

interface Asked {
  /** The model's `owner/name`. */
  readonly name: string;
  readonly endpoint: string;
  readonly hasToken: boolean;
}

/** Converts an unsuccessful response to an error message. */
export function explainRefusal(response: Response, { name, endpoint, hasToken }: Asked): Error {
  const { status } = response;
  const code = response.headers.get("x-error-code");
  if (status === 429 || status === 408 || status >= 500)
    return new RetryableError(`${endpoint} returned status ${status}.`);
  if (code === "GatedRepo" || (status === 403 && code !== "RepoNotFound"))
    return new VisibleError(
      "access_denied",
      `${name} is gated: open ${endpoint}/${name}, accept its terms, and set HF_TOKEN to a token of that account ` +
        `(${hasToken ? "the current token has no access" : "HF_TOKEN is not set"}).`,
    );
  if (status === 401)
    return hasToken
      ? new VisibleError(
          "access_denied",
          `${endpoint} does not accept the token in HF_TOKEN for ${name}; create a new token with read access, or check the ID.`,
        )
      : // The Hub gives the same answer for private and for missing models.
        new VisibleError(
          "access_denied",
          `${name} does not exist on ${endpoint}, or is private; check the ID, or set HF_TOKEN to a token with access.`,
        );
  if (code === "RevisionNotFound")
    return new VisibleError(
      "model_not_on_hub",
      `${name} has no such revision on ${endpoint}; omit --revision for the main branch.`,
    );
  if (status === 404)
    return new VisibleError(
      "model_not_on_hub",
      `${endpoint} has no ${code === "EntryNotFound" ? `such file in ${name}` : `model ${name}`} (${new URL(response.url).pathname}); check the ID.`,
    );
  return new VisibleError("model_not_on_hub", `${endpoint} refused ${name} with status ${status}.`);
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "host not found; check the connection and --endpoint",
  EAI_AGAIN: "DNS lookup failed; check the connection",
  ECONNREFUSED: "connection refused",
  ENETUNREACH: "network unreachable",
  EHOSTUNREACH: "host unreachable",
  ECONNRESET: "connection lost",
  UND_ERR_SOCKET: "connection lost",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  ETIMEDOUT: "connection timed out",
};

/** Converts a network failure to an error message. */
export function explainUnreachable(endpoint: string, cause: unknown): RetryableError {
  const code = causeCode(cause);
  const reason = (code && reasons[code]) ?? code ?? rootMessage(cause);
  return new RetryableError(`${endpoint} cannot be reached: ${reason}.`, { cause });
}

/**
 * fetch wraps the system's error code in one or two causes; several attempted addresses give an
 * AggregateError.
 */
function causeCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error instanceof AggregateError) return causeCode(error.errors[0]);
  return causeCode(error.cause);
}

function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : rootMessage(error.cause);
}
