export interface ReceivedMessage {
  readonly body: string;
  /** Identifies this delivery; each delivery of a message has its own. */
  readonly receipt: string;
  /** Number of deliveries, including this one. */
  readonly receiveCount: number;
}

export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** A queue with at-least-once delivery and no order. Calls throw RetryableError if it is unreachable. */
export interface JobQueue {
  send(body: string, delaySeconds?: number): Promise<void>;
  /** Sends several messages. If it throws, some may have been sent. */
  sendAll(bodies: readonly string[]): Promise<void>;
  /**
   * Waits up to `waitSeconds` for messages. A message that is not deleted is delivered again after
   * `visibilitySeconds`. Resolves empty on abort.
   */
  receive(options: {
    readonly maximum: number;
    readonly waitSeconds: number;
    readonly visibilitySeconds: number;
    readonly signal?: AbortSignal;
  }): Promise<readonly ReceivedMessage[]>;
  /** Makes the message visible again after `seconds`; 0 means immediately. */
  extend(receipt: string, seconds: number): Promise<void>;
  delete(receipt: string): Promise<void>;
  /** Approximate, as in SQS. */
  depth(): Promise<QueueDepth>;
}
