/** The program: its files, the editor, and what it is given. */
import { useId } from 'preact/hooks';
import { CSP_NONCE } from '../csp-nonce.js';
import { Editor } from '../editor/editor.js';
import type { Choice } from '../program/languages.js';
import type { Program } from '../program/program.js';
import type { Placed } from '../run/problems.js';
import { Options, Problem } from './options.js';
import { Tabs } from './tabs.js';
import type { PageProgram } from './use-program.js';

export interface SourcePaneProps {
  readonly sheet: PageProgram;
  readonly language: string;
  readonly choice: Choice | undefined;
  readonly problems: Placed['at'];
  onChange(part: Partial<Program>): void;
}

export function SourcePane({ sheet, language, choice, problems, onChange }: SourcePaneProps) {
  const { program, active, files } = sheet;
  const panelId = useId();
  const file = program.files.find(({ path }) => path === active) ?? program.files[0];
  if (!file) return null;
  return (
    <section class="pane source" aria-label="Program">
      <Tabs
        files={program.files}
        active={file.path}
        entry={program.entry}
        panelId={panelId}
        onOpen={files.open}
        onAdd={files.add}
        onRename={files.rename}
        onDelete={files.remove}
        onEntry={(entry) => onChange({ entry })}
      />
      <div class="editor-frame" id={panelId} role="tabpanel" aria-label={file.path}>
        <Editor
          path={file.path}
          content={file.content}
          language={language}
          cspNonce={CSP_NONCE}
          describedBy={problems.files && `${panelId}-problem`}
          onChange={(content) => files.write(file.path, content)}
        />
      </div>
      <Problem id={`${panelId}-problem`} text={problems.files} />
      <Options
        program={program}
        problems={problems}
        limits={choice?.versions[0]}
        terminal={choice?.terminal ?? false}
        onChange={onChange}
      />
    </section>
  );
}
