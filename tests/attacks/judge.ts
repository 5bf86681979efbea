/** Whether an attack came to nothing: compares what was seen with what its row says must be seen. */
import { isDeepStrictEqual } from 'node:util';
import type { Outcome } from '@runlane/runner-host/testing';
import type { Attack, Expected, Test } from './attacks.js';

/** A run as the suite saw it: its outcome, or why there is none. */
export interface Seen {
  readonly outcome?: Outcome;
  readonly failure?: string;
  readonly pieces: number;
  readonly tookMs: number;
  /** What the neighbour could not do meanwhile. */
  readonly neighbour?: string;
}

const EXITED = { reason: 'exited', code: 0 };
const WITHIN_MS = 12_000;

/** What is not as it must be, in words; empty when the attack came to nothing. */
export function judge(attack: Attack, { outcome, failure, pieces, tookMs, neighbour }: Seen): string[] {
  if (!outcome) return [failure ?? 'there is no verdict'];
  const wrong: string[] = [];
  const expect = (name: string, value: unknown, expected: Expected) => {
    if (!meets(value, expected)) wrong.push(`${name} is ${show(value)}, must be ${describe(expected)}`);
  };
  for (const [name, expected] of Object.entries(attack.ends ?? EXITED)) {
    expect(name, outcome.end[name as keyof typeof outcome.end], expected);
  }
  const facts = factsOf(outcome.stdout);
  for (const [name, expected] of Object.entries(attack.facts ?? {})) expect(name, facts[name], expected);
  const { stdout } = attack;
  if (stdout instanceof RegExp && !stdout.test(outcome.stdout.toString('latin1')))
    wrong.push('its output is not itself');
  if (Buffer.isBuffer(stdout) && !stdout.equals(outcome.stdout))
    wrong.push('its output is not byte for byte what it wrote');
  if (pieces > (attack.pieces ?? Number.POSITIVE_INFINITY)) wrong.push(`its output came in ${pieces} pieces`);
  if (tookMs > (attack.withinMs ?? WITHIN_MS)) wrong.push(`it took ${Math.round(tookMs)} ms`);
  if (neighbour) wrong.push(`a neighbour ${neighbour}`);
  // A program that could not go through with it proves nothing.
  if (outcome.end.reason === 'exited' && outcome.stderr.includes('Traceback')) wrong.push('the attack itself failed');
  const said = outcome.stderr.toString().trim();
  if (wrong.length > 0 && said && said.length < 3000) wrong.push(`it said: ${said}`);
  return wrong;
}

/** The lines of JSON that a program printed, together; the last word on each fact counts. */
function factsOf(stdout: Buffer): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  if (stdout.length > 1 << 20) return facts;
  for (const line of stdout.toString().split('\n')) {
    if (!line.startsWith('{"')) continue;
    try {
      Object.assign(facts, JSON.parse(line));
    } catch {
      // Cut off where the program was ended.
    }
  }
  return facts;
}

function meets(value: unknown, expected: Expected): boolean {
  return isTest(expected) ? expected.holds(value) : isDeepStrictEqual(value, expected);
}

function describe(expected: Expected): string {
  return isTest(expected) ? expected.means : show(expected);
}

function isTest(expected: Expected): expected is Test {
  return typeof expected === 'object' && 'holds' in expected;
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 500);
}
