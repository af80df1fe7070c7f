/**
 * One way for two processes to talk. Messages are JSON-safe values; they arrive whole, in order, at most once.
 * Implementations (in memory, WebSocket, child process, MessagePort) pass the same conformance suite.
 */
export interface Transport {
  /** Queues a message. After the close it is dropped: the peer is gone and `onClose` has said so. */
  send(message: unknown): void;
  /** One listener; messages that came earlier are kept and handed over first. Returns the way to stop listening. */
  onMessage(listener: (message: unknown) => void): () => void;
  /** Called once, also when the close happened before the call. */
  onClose(listener: (cause: string) => void): () => void;
  close(): void;
}
