/** What a client's library reads from the details of an error. For tests. */
import type { ServiceError } from '@grpc/grpc-js';
import { errorDetails, rpcStatus } from '@runlane/contract';

export interface ReadDetails {
  readonly status: rpcStatus.Status;
  readonly info: errorDetails.ErrorInfo | undefined;
  readonly retry: errorDetails.RetryInfo | undefined;
  readonly violations: readonly errorDetails.BadRequest_FieldViolation[];
}

export function readDetails({ metadata }: Partial<Pick<ServiceError, 'metadata'>>): ReadDetails {
  const status = rpcStatus.Status.decode(metadata?.get('grpc-status-details-bin')[0] as Buffer);
  const find = (name: string) =>
    status.details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`)?.value;
  const [info, retry, request] = [find('ErrorInfo'), find('RetryInfo'), find('BadRequest')];
  return {
    status,
    info: info && errorDetails.ErrorInfo.decode(info),
    retry: retry && errorDetails.RetryInfo.decode(retry),
    violations: request ? errorDetails.BadRequest.decode(request).fieldViolations : [],
  };
}
