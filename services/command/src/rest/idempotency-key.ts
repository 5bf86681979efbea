/** The key of a request that may be sent twice. */
import { idempotencyKeySchema } from '@runlane/contract';
import type { Request } from 'express';
import { validate } from '../validate.js';

/** Undefined when there is none. @throws RunlaneError `INVALID_REQUEST` */
export function keyOf(request: Request): string | undefined {
  const key = request.get('Idempotency-Key');
  return key === undefined ? undefined : validate(idempotencyKeySchema, key, 'Idempotency-Key');
}
