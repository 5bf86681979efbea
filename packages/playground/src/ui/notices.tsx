/** What is to be known before one goes on: the server is away, the program came by a link, its language cannot be run. */
import type { RunlaneError } from '@runlane/client';
import type { Choice } from '../program/languages.js';
import { isAboutKey, KeyNotice } from './key-notice.js';
import { Notice } from './notice.js';
import type { PageProgram } from './use-program.js';

export interface NoticesProps {
  readonly trouble: RunlaneError | undefined;
  readonly refusal: RunlaneError | undefined;
  /** Whether the page sends a key. */
  readonly keyed: boolean;
  readonly sheet: PageProgram;
  readonly choice: Choice | undefined;
  /** Whether the server has told its languages. */
  readonly known: boolean;
  onKey(key: string): void;
}

export function Notices({ trouble, refusal, keyed, sheet, choice, known, onKey }: NoticesProps) {
  const { notice, aside, program } = sheet;
  return (
    <div class="notices">
      {trouble && <Notice kind="away">{wordsForTrouble(trouble)}</Notice>}
      {isAboutKey(refusal) && <KeyNotice refusal={refusal} keyed={keyed} onKey={onKey} />}
      {notice && (
        <Notice kind={notice.kind} onClose={sheet.dismiss}>
          {notice.text}
        </Notice>
      )}
      {aside && (
        <Notice kind="aside" onClose={sheet.dismiss}>
          What you had written was put aside.{' '}
          <button type="button" class="link-button" onClick={sheet.bringBack}>
            Bring it back
          </button>
        </Notice>
      )}
      {choice?.available === false && (
        <Notice kind="unavailable">
          {choice.title} cannot be run here now: {choice.reason}
        </Notice>
      )}
      {known && !choice && (
        <Notice kind="unavailable">This server has no language “{program.language}”. Choose another.</Notice>
      )}
    </div>
  );
}

function wordsForTrouble({ code, message }: RunlaneError): string {
  if (code !== 'UNREACHABLE') return `The server asks to wait: ${message}. It is tried again by itself.`;
  return 'The server does not answer. It is tried again by itself; what you wrote is safe, and a run that has begun goes on.';
}
