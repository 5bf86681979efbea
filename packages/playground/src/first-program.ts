/** What the page opens with: the program of the link, else the one that was on it last, else an example. */
import { exampleFor } from './examples/examples.js';
import { isProgram } from './program/history.js';
import type { Program } from './program/program.js';
import { fromFragment, LinkError } from './program/share.js';
import { load } from './program/store.js';

export const DRAFT_KEY = 'runlane.draft';

export interface First {
  readonly program: Program;
  /** What to say of it, if anything. */
  readonly notice?: { readonly kind: 'link' | 'bad-link'; readonly text: string };
}

export async function firstProgram(fragment: string): Promise<First> {
  const usual = () => load(DRAFT_KEY, isProgram) ?? exampleFor('python').program;
  try {
    const program = await fromFragment(fragment);
    if (!program) return { program: usual() };
    const text = 'This program came with a link. It runs when you press Run; read it first.';
    return { program, notice: { kind: 'link', text } };
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    return { program: usual(), notice: { kind: 'bad-link', text: `${error.message} Ask for it again.` } };
  }
}
