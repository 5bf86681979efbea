/**
 * Calls that are being answered over HTTP, so that a cancellation, which is a request of its own, finds the one that it means.
 * Requests count from 0 in every client: two clients would cancel each other's, so only within a session id are they told
 * apart. That id is a label that the client repeats. Nothing is kept under it but what is in flight, any is as good as
 * another, and a client that has none cancels by hanging up.
 */
import { randomUUID } from 'node:crypto';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CancelledNotificationSchema, isJSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';

export interface InFlight {
  /** Forgets it once the call is over. */
  begin(session: string, message: unknown, transport: Transport): () => void;
  /** Whether the message is a cancellation; what it means is told to whoever works on it. */
  cancel(session: string, message: unknown): boolean;
}

export const newSession = (): string => randomUUID();

export function createInFlight(): InFlight {
  const calls = new Map<string, Transport>();
  // As JSON: 1 and "1" are two ids.
  const keyOf = (session: string, id: unknown) => JSON.stringify([session, id]);
  return {
    begin(session, message, transport) {
      if (!isJSONRPCRequest(message)) return () => undefined;
      const key = keyOf(session, message.id);
      calls.set(key, transport);
      return () => {
        if (calls.get(key) === transport) calls.delete(key);
      };
    },
    cancel(session, message) {
      const { success, data } = CancelledNotificationSchema.safeParse(message);
      if (!success) return false;
      // To close it ends the call and its answer: the client waits for none any more.
      void calls.get(keyOf(session, data.params.requestId))?.close();
      return true;
    },
  };
}
