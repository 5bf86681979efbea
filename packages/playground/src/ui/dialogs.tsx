/** Whichever dialog is open. */
import type { NewJob } from '@runlane/client';
import type { PastRun } from '../program/history.js';
import type { Choice } from '../program/languages.js';
import type { Program } from '../program/program.js';
import { snippetsFor } from '../program/snippets.js';
import { HistoryDialog } from './history-dialog.js';
import { LanguageDialog } from './language-dialog.js';
import { ShareDialog } from './share-dialog.js';
import { SnippetsDialog } from './snippets-dialog.js';
import type { DialogName } from './top-bar.js';
import type { PageHistory } from './use-history.js';

export interface DialogsProps {
  readonly open: DialogName | undefined;
  readonly choices: readonly Choice[];
  readonly language: string;
  readonly program: Program;
  readonly history: PageHistory;
  /** Whether the page sends a key. */
  readonly keyed: boolean;
  job(): NewJob;
  onLanguage(choice: Choice): void;
  onPast(run: PastRun): void;
  onClose(): void;
}

export function Dialogs({ open, onClose, ...props }: DialogsProps) {
  switch (open) {
    case 'language':
      return (
        <LanguageDialog choices={props.choices} chosen={props.language} onChoose={props.onLanguage} onClose={onClose} />
      );
    case 'share':
      return <ShareDialog program={props.program} onClose={onClose} />;
    case 'snippets':
      return (
        <SnippetsDialog
          snippets={snippetsFor(props.job(), { url: location.origin, keyed: props.keyed })}
          onClose={onClose}
        />
      );
    case 'history':
      return (
        <HistoryDialog
          runs={props.history.runs}
          onOpen={props.onPast}
          onClear={props.history.clear}
          onClose={onClose}
        />
      );
    default:
      return null;
  }
}
