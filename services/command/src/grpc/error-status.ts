/**
 * An error as gRPC carries it: a status, and in its trailers the stable code, when to come back, and all of it once more as
 * google.rpc.Status, the form that libraries of every language read.
 */
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { ERRORS, errorDetails, type FieldProblem, RunlaneError, rpcStatus } from '@runlane/contract';
import type { Log } from '@runlane/core';

/** Whose codes the reasons in ErrorInfo are. */
const DOMAIN = 'runlane.dev';
/**
 * Clients made of gRPC's C core refuse a call whose trailers have more than 8 KiB. The message is in them twice, as text and
 * in the details, and what else is there takes a few hundred bytes.
 */
const MOST_MESSAGE_BYTES = 2_000;
const MOST_DETAILS_BYTES = 3_700;

type ErrorStatus = Pick<ServiceError, 'code' | 'details' | 'metadata'>;

/** Any caught value as what the caller is told; what is our fault is a line in the log as well. */
export function toServiceError(reason: unknown, log: Log): ErrorStatus {
  const error = RunlaneError.from(reason);
  if (error.code === 'INTERNAL') log.error({ err: error.cause ?? error }, 'call failed');
  return toErrorStatus(error);
}

export function toErrorStatus(error: RunlaneError): ErrorStatus {
  const code = ERRORS[error.code].grpc;
  const details = shortened(error.message);
  const metadata = new Metadata();
  metadata.set('runlane-code', error.code);
  if (error.retryAfterSeconds !== undefined) metadata.set('retry-after', String(error.retryAfterSeconds));
  metadata.set('grpc-status-details-bin', encodeStatus({ code, message: details }, error));
  return { code, details, metadata };
}

/** As much of a message as there is room for once it is escaped, as it is sent. */
function shortened(message: string): string {
  const whole = message.toWellFormed();
  if (encodeURI(whole).length <= MOST_MESSAGE_BYTES) return whole;
  let cut = '';
  let bytes = 0;
  for (const character of whole) {
    bytes += encodeURI(character).length;
    if (bytes > MOST_MESSAGE_BYTES - encodeURI('…').length) break;
    cut += character;
  }
  return `${cut}…`;
}

/** Fields are told as far as there is room: the first ones, each whole. */
function encodeStatus(status: { code: number; message: string }, error: RunlaneError): Buffer {
  const { ErrorInfo, RetryInfo, BadRequest } = errorDetails;
  const info = ErrorInfo.encode(ErrorInfo.fromPartial({ reason: error.code, domain: DOMAIN })).finish();
  const details = [packed('ErrorInfo', info)];
  if (error.retryAfterSeconds !== undefined) {
    const retryDelay = { seconds: error.retryAfterSeconds };
    details.push(packed('RetryInfo', RetryInfo.encode(RetryInfo.fromPartial({ retryDelay })).finish()));
  }
  const encode = (fields: readonly FieldProblem[]) => {
    const fieldViolations = fields.map(({ field, reason }) => ({ field, description: reason }));
    const request = BadRequest.encode(BadRequest.fromPartial({ fieldViolations })).finish();
    const more = fields.length > 0 ? [packed('BadRequest', request)] : [];
    return Buffer.from(rpcStatus.Status.encode({ ...status, details: [...details, ...more] }).finish());
  };
  let most = error.fields.length;
  while (most > 0 && encode(error.fields.slice(0, most)).length > MOST_DETAILS_BYTES) most -= 1;
  return encode(error.fields.slice(0, most));
}

function packed(name: string, value: Uint8Array) {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: Buffer.from(value) };
}
