/** A JSON body, read strictly: valid UTF-8, not too deep, no key that would reach into every object. */
import { MAX_BATCH_BYTES, RunlaneError } from '@runlane/contract';
import express, { type RequestHandler } from 'express';

/** Deeper than any request needs, and far from where recursion over it would overflow the stack. */
const MAX_DEPTH = 16;

interface BodyLimits {
  readonly sizeBytes: number;
  /** Names and values in all: many more than any request has, and few enough to check and to name in an answer. */
  readonly values: number;
}

/** Sources and stdin are at most 2 MiB together; JSON's escapes and base64 make them longer. */
export const readJson = jsonReader({ sizeBytes: 4 * 1024 * 1024, values: 5_000 });
export const readBatchJson = jsonReader({ sizeBytes: MAX_BATCH_BYTES, values: 100_000 });

/** Puts the parsed body into `request.body`. */
function jsonReader({ sizeBytes, values }: BodyLimits): RequestHandler[] {
  return [
    (request, _response, next) => {
      // Also what keeps forms of other pages out: they cannot send this type.
      if (request.is('application/json')) return next();
      throw new RunlaneError('UNSUPPORTED_MEDIA_TYPE', 'send the body as JSON, with "Content-Type: application/json"');
    },
    express.raw({ type: 'application/json', limit: sizeBytes, inflate: false }),
    (request, _response, next) => {
      request.body = parse(request.body as Buffer, values);
      next();
    },
  ];
}

function parse(bytes: Buffer, maxValues: number): unknown {
  if (!Buffer.isBuffer(bytes) || bytes.length === 0)
    throw new RunlaneError('INVALID_REQUEST', 'the body is empty; it must be a JSON object');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? 'is not valid JSON' : 'is not valid UTF-8';
    throw new RunlaneError('INVALID_REQUEST', `the body ${reason}`, { cause });
  }
  checkShape(value, maxValues);
  return value;
}

/** Level by level, as recursion is what a deep value would break. */
function checkShape(value: unknown, maxValues: number): void {
  let level: unknown[] = [value];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH)
      throw new RunlaneError('INVALID_REQUEST', `the body is nested more than ${MAX_DEPTH} levels deep`);
    values += level.length;
    if (values > maxValues) throw new RunlaneError('INVALID_REQUEST', `the body has more than ${maxValues} values`);
    level = level.flatMap((each) => {
      if (typeof each !== 'object' || each === null) return [];
      if (Object.hasOwn(each, '__proto__'))
        throw new RunlaneError('INVALID_REQUEST', 'the name "__proto__" is not allowed');
      return Object.values(each);
    });
  }
}
