export interface ReceivedMessage {
  readonly body: string;
  /** Names this delivery; a later one of the same message has another. */
  readonly receipt: string;
  /** 1 at the first delivery. */
  readonly receiveCount: number;
}

export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** At-least-once delivery, in no particular order. Calls throw RetryableError when the queue is out of reach. */
export interface JobQueue {
  send(body: string, delaySeconds?: number): Promise<void>;
  /** Sends several at once. When it throws, some may have been sent. */
  sendAll(bodies: readonly string[]): Promise<void>;
  /**
   * Waits up to `waitSeconds` for a message. What is not deleted is delivered again after `visibilitySeconds`.
   * Resolves empty when `signal` aborts.
   */
  receive(options: {
    readonly maximum: number;
    readonly waitSeconds: number;
    readonly visibilitySeconds: number;
    readonly signal?: AbortSignal;
  }): Promise<readonly ReceivedMessage[]>;
  /** The message becomes visible again `seconds` from now; 0 gives it back at once. */
  extend(receipt: string, seconds: number): Promise<void>;
  delete(receipt: string): Promise<void>;
  /** Approximate, as SQS counts. */
  depth(): Promise<QueueDepth>;
}
