/** A submission with its trace: below the client's own place in one where it named that, else a new one. */
import { inTrace, type Span } from '@runlane/core';
import type { Caller } from './auth/caller.js';

export function traced<S extends { readonly caller: Caller }, R>(
  submit: (submission: S, span: Span) => Promise<R>,
): (submission: S) => Promise<R> {
  return (submission) =>
    inTrace('submit', submission.caller.trace, (span) => submit(submission, span), { kind: 'server' });
}
