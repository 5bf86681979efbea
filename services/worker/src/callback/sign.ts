/** Signatures as Standard Webhooks has them, so that receivers check them with a library or in ten lines. */
import { createHmac } from 'node:crypto';

export interface SignedMessage {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly body: string;
}

/** One for each secret: while one takes another's place, receivers know either. */
export function signaturesOf({ id, timestamp, body }: SignedMessage, secrets: readonly Uint8Array[]): string {
  const sign = (secret: Uint8Array) =>
    createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return secrets.map((secret) => `v1,${sign(secret)}`).join(' ');
}
