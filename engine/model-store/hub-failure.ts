import { RetryableError, VisibleError } from "../errors.ts";

interface Asked {
  /** The model's `owner/name`. */
  readonly name: string;
  readonly endpoint: string;
  readonly hasToken: boolean;
}

/** What an answer other than success means for the person who asked. */
export function explainRefusal(response: Response, { name, endpoint, hasToken }: Asked): Error {
  const { status } = response;
  const code = response.headers.get("x-error-code");
  if (status === 429 || status === 408 || status >= 500)
    return new RetryableError(`${endpoint} answered ${status}.`);
  if (code === "GatedRepo" || (status === 403 && code !== "RepoNotFound"))
    return new VisibleError(
      "access_denied",
      `${name} is gated: open ${endpoint}/${name}, accept its terms, and set HF_TOKEN to a token of that account ` +
        `(${hasToken ? "the one that is set has no access yet" : "none is set"}).`,
    );
  if (status === 401)
    return hasToken
      ? new VisibleError(
          "access_denied",
          `${endpoint} does not accept the token in HF_TOKEN for ${name}; make a new one with read access, or check the id.`,
        )
      : // The Hub tells strangers alike of what is private and of what does not exist.
        new VisibleError(
          "access_denied",
          `${name} does not exist on ${endpoint}, or is private; check the id, or set HF_TOKEN to a token that may read it.`,
        );
  if (code === "RevisionNotFound")
    return new VisibleError(
      "model_not_on_hub",
      `${name} has no such revision on ${endpoint}; leave --revision out for the main branch.`,
    );
  if (status === 404)
    return new VisibleError(
      "model_not_on_hub",
      `${endpoint} has no ${code === "EntryNotFound" ? `such file in ${name}` : `model ${name}`} (${new URL(response.url).pathname}); check the id.`,
    );
  return new VisibleError("model_not_on_hub", `${endpoint} refused ${name} with status ${status}.`);
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known: no connection, or a mistyped --endpoint",
  EAI_AGAIN: "its name cannot be looked up: no connection",
  ECONNREFUSED: "nothing listens there",
  ENETUNREACH: "there is no network",
  EHOSTUNREACH: "there is no way to it",
  ECONNRESET: "the connection broke",
  UND_ERR_SOCKET: "the connection broke",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  ETIMEDOUT: "it does not answer",
};

/** Why there was no answer at all. */
export function explainUnreachable(endpoint: string, cause: unknown): RetryableError {
  const code = causeCode(cause);
  const reason = (code && reasons[code]) ?? code ?? rootMessage(cause);
  return new RetryableError(`${endpoint} cannot be reached: ${reason}.`, { cause });
}

/** fetch hides the system's code one or two causes deep; several addresses tried give an AggregateError. */
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
