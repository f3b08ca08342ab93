/** Sends a webhook. Failures of the receiver are returned, not thrown. */
export interface WebhookSender {
  send(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<WebhookOutcome>;
}

export type WebhookOutcome = { readonly status: number } | { readonly refused: string };
