/** A JSON body, read strictly: valid UTF-8, not too deep, no key that would reach into every object. */
import { MAX_BATCH_BYTES, RunlaneError } from '@runlane/contract';
import express, { type RequestHandler } from 'express';

/** Deeper than any request needs, and far from where recursion over it would overflow the stack. */
const MAX_DEPTH = 16;

const [QUOTE, BACKSLASH, COMMA, BRACE, BRACKET, BRACE_END, BRACKET_END] = Buffer.from('"\\,{[}]');

interface BodyLimits {
  readonly sizeBytes: number;
  /** Lists, objects and what is in them: many more than any request has, and few enough to check and to name in an answer. */
  readonly values: number;
}

/** Sources and stdin are at most 2 MiB together; JSON's escapes and base64 make them longer. */
export const MAX_PROGRAM_BYTES = 4 * 1024 * 1024;
const PROGRAM_LIMITS = { sizeBytes: MAX_PROGRAM_BYTES, values: 5_000 };
export const readJson = jsonReader(PROGRAM_LIMITS);
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

/** The same of a message. @throws RunlaneError `INVALID_REQUEST` */
export const parseProgram = (bytes: Buffer) => parse(bytes, PROGRAM_LIMITS.values);

function parse(bytes: Buffer, maxValues: number): unknown {
  if (!Buffer.isBuffer(bytes) || bytes.length === 0)
    throw new RunlaneError('INVALID_REQUEST', 'the body is empty; it must be a JSON object');
  checkShape(bytes, maxValues);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? 'is not valid JSON' : 'is not valid UTF-8';
    throw new RunlaneError('INVALID_REQUEST', `the body ${reason}`, { cause });
  }
  refusePoison(value);
  return value;
}

/** How it is built, before it is parsed: two bytes can stand for an object, and a few million of them keep everybody waiting. */
function checkShape(bytes: Buffer, maxValues: number): void {
  let depth = 0;
  let values = 1;
  let isText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA) values += 1;
    else if (byte === BRACE || byte === BRACKET) {
      values += 1;
      depth += 1;
    } else if (byte === BRACE_END || byte === BRACKET_END) depth -= 1;
    if (depth > MAX_DEPTH)
      throw new RunlaneError('INVALID_REQUEST', `the body is nested more than ${MAX_DEPTH} levels deep`);
    if (values > maxValues) throw new RunlaneError('INVALID_REQUEST', `the body has more than ${maxValues} values`);
  }
}

function refusePoison(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Object.hasOwn(value, '__proto__'))
    throw new RunlaneError('INVALID_REQUEST', 'the name "__proto__" is not allowed');
  for (const each of Object.values(value)) refusePoison(each);
}
