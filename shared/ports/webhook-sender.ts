/** Posts a webhook. It never throws for what the other side does: that is an answer too. */
export interface WebhookSender {
  send(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<WebhookAnswer>;
}

export type WebhookAnswer = { readonly status: number } | { readonly refused: string };
