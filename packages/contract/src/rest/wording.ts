/** What is said of a bad field, where a schema does not say it itself: what it must be, rather than what was found. */
import { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const many = (count: number | bigint, what: string) => `${count} ${what}${count === 1 || count === 1n ? '' : 's'}`;

/** How much of something there may be. */
function amount(origin: string, count: number | bigint): string {
  if (origin === 'string') return `have ${many(count, 'character')}`;
  if (origin === 'array' || origin === 'set') return `have ${many(count, 'item')}`;
  return `be ${count}`;
}

z.config({
  customError(issue) {
    switch (issue.code) {
      case 'invalid_type':
        return issue.input === undefined ? 'is missing' : `must be ${KINDS[issue.expected] ?? issue.expected}`;
      case 'invalid_value':
        return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
      case 'too_small':
        return `must ${amount(issue.origin, issue.minimum)} or more`;
      case 'too_big':
        return `must ${amount(issue.origin, issue.maximum)} or less`;
      case 'unrecognized_keys':
        return `must not have ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
      case 'invalid_union':
        return 'has none of the forms that it may have; see /openapi.json';
      default:
        return undefined;
    }
  },
});
