/** How this service says no: a gRPC status and words for the caller. Everything else that is thrown is our own fault. */
import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { SandboxError, StartError } from './sandbox/sandbox.js';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    readonly code: status,
    message: string,
  ) {
    super(message);
  }
}

export function invalid(problems: readonly string[]): Refusal {
  return new Refusal(status.INVALID_ARGUMENT, problems.join('; '));
}

/** Whether it only says that the caller has gone: its stream may break off under our hands before it is told cancelled. */
export function isBrokenOff(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'AbortError';
}

/** Any caught value as what a caller may see. A cause is for the log: that text never reaches a client. */
export function toServiceError(
  reason: unknown,
): Partial<ServiceError> & { code: status; details: string; metadata?: Metadata } {
  if (reason instanceof Refusal) return { code: reason.code, details: reason.message };
  // Not to be tried again: the same command is refused the same way.
  if (reason instanceof StartError) return { code: status.INVALID_ARGUMENT, details: reason.message };
  if (reason instanceof SandboxError) return { code: status.UNAVAILABLE, details: reason.message };
  if (isBrokenOff(reason)) return { code: status.CANCELLED, details: 'the caller is gone' };
  return { code: status.INTERNAL, details: 'the runner could not do this' };
}
