/** Lets in who may do what a call asks for, by its method: before a byte of its messages is waited for. */
import { constants } from 'node:http2';
import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import type { Log, Scope } from '@runlane/core';
import type { Auth } from '../auth/auth.js';
import { type Caller, withTrace } from '../auth/caller.js';
import { toServiceError } from './error-status.js';
import { hangUp } from './hang-up.js';

export interface Gate {
  /** Answers those who are not let in. */
  readonly interceptor: ServerInterceptor;
  /** Who makes a call that was let in. */
  callerOf(call: { readonly metadata: Metadata }): Caller;
}

/** Others, of health and reflection, are for everybody. */
const GUARDED = '/runlane.v1.ExecutionService/';
/** Of those methods that change nothing. */
const READS = /\/(?:Get|List|Watch|ReadFile)[A-Za-z]*$/;

export function createGate(auth: Auth, log: Log): Gate {
  const callers = new WeakMap<Metadata, Caller>();

  async function admit(path: string, metadata: Metadata): Promise<void> {
    const scope: Scope = READS.test(path) ? 'read' : 'submit';
    const { caller } = await auth.admit(presentedBy(metadata), scope);
    callers.set(metadata, withTrace(caller, metadata.get('traceparent')[0]?.toString()));
  }

  return {
    interceptor({ path }, call) {
      if (!path.startsWith(GUARDED)) return new ServerInterceptingCall(call);
      return new ServerInterceptingCall(call, {
        start: (next) =>
          next({
            onReceiveMetadata(metadata, goOn) {
              admit(path, metadata).then(
                () => goOn(metadata),
                (reason) => {
                  call.sendStatus(toServiceError(reason, log));
                  // Else what is still sent would be kept until it ends.
                  hangUp(call, constants.NGHTTP2_NO_ERROR);
                },
              );
            },
          }),
      });
    },

    callerOf({ metadata }) {
      const caller = callers.get(metadata);
      if (caller) return caller;
      throw new Error('a call came past the gate');
    },
  };
}

/** As over HTTP: `authorization: Bearer KEY`. */
function presentedBy(metadata: Metadata): string | undefined {
  const [value] = metadata.get('authorization');
  return /^bearer +(\S+)$/i.exec(String(value ?? ''))?.[1];
}
