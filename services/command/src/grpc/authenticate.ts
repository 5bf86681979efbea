/** Lets in who may do what a call asks for, by its method. */
import type { Metadata } from '@grpc/grpc-js';
import type { Scope } from '@runlane/core';
import type { Auth } from '../auth/auth.js';
import type { Caller } from '../auth/caller.js';

/** What is known of a call before its messages are read. */
interface Call {
  readonly metadata: Metadata;
  getPath(): string;
}

/** Of those methods that change nothing. */
const READS = /\/(?:Get|List|Watch|ReadFile)[A-Za-z]*$/;

export function createCallerOf(auth: Auth): (call: Call) => Promise<Caller> {
  return async (call) => {
    const scope: Scope = READS.test(call.getPath()) ? 'read' : 'submit';
    const { caller } = await auth.admit(presentedBy(call.metadata), scope);
    return caller;
  };
}

/** As over HTTP: `authorization: Bearer KEY`. */
function presentedBy(metadata: Metadata): string | undefined {
  const [value] = metadata.get('authorization');
  return /^bearer +(\S+)$/i.exec(String(value ?? ''))?.[1];
}
