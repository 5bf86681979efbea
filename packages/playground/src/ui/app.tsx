/** The page: a program, its run, and what is between them. */

import type { NewJob, RunlaneError } from '@runlane/client';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import { CSP_NONCE } from '../csp-nonce.js';
import { Editor } from '../editor/editor.js';
import { exampleFor, examplesFor, usualPath } from '../examples/examples.js';
import { DRAFT_KEY, type First } from '../first-program.js';
import { withContent, withName, withNewFile, without } from '../program/files.js';
import { isPast, type PastRun, withRun } from '../program/history.js';
import { type Choice, findChoice } from '../program/languages.js';
import { type Program, toNewJob } from '../program/program.js';
import { snippetsFor } from '../program/snippets.js';
import { forget, load, save } from '../program/store.js';
import { place } from '../run/problems.js';
import { HistoryDialog } from './history-dialog.js';
import { LanguageDialog } from './language-dialog.js';
import { Notice } from './notice.js';
import { Options, Problem } from './options.js';
import { Results } from './results.js';
import { ShareDialog } from './share-dialog.js';
import { SnippetsDialog } from './snippets-dialog.js';
import { Tabs } from './tabs.js';
import { useTheme } from './theme.js';
import { type DialogName, TopBar } from './top-bar.js';
import { useLanguages } from './use-languages.js';
import { usePageRun, whenTerminal } from './use-run.js';

const HISTORY_KEY = 'runlane.history';
/** A pause in typing after which the draft is kept, in milliseconds. */
const KEEP_AFTER_MS = 400;

export function App({ api, first }: { readonly api: Api; readonly first: First }) {
  const [program, setProgram] = useState(first.program);
  const [active, setActive] = useState(first.program.entry);
  const [notice, setNotice] = useState(first.notice);
  const [dialog, setDialog] = useState<DialogName>();
  const [past, setPast] = useState<readonly PastRun[]>(() => load(HISTORY_KEY, isPast) ?? []);
  const [shownIn, setShownIn] = useState<'text' | 'terminal'>('text');
  const [argsProblem, setArgsProblem] = useState<string>();
  const [trouble, setTrouble] = useState<RunlaneError>();
  const [theme, switchTheme] = useTheme();
  const languages = useLanguages(api);
  const page = usePageRun(api);
  const panelId = useId();

  const choice = languages.choices && findChoice(languages.choices, program.language);
  const name = choice?.name ?? program.language;
  const examples = useMemo(() => examplesFor(name), [name]);
  const { at: refused, elsewhere } = place(page.state.refusal);
  const problems = argsProblem ? { ...refused, args: argsProblem } : refused;
  const busy = page.state.phase === 'submitting' || page.state.phase === 'running';
  const file = program.files.find(({ path }) => path === active) ?? program.files[0];

  useEffect(() => api.onTrouble(setTrouble), [api]);

  useEffect(() => {
    const timer = setTimeout(() => save(DRAFT_KEY, program), KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [program]);

  function change(part: Partial<Program>) {
    setArgsProblem(undefined);
    setProgram((before) => ({ ...before, ...part }));
  }

  function open(next: Program) {
    setProgram(next);
    setActive(next.entry);
    setArgsProblem(undefined);
    setNotice(undefined);
    // It would bring the program of the link back when the page is loaded anew.
    if (location.hash) history.replaceState(null, '', location.pathname);
  }

  function choose(next: Choice) {
    setDialog(undefined);
    if (next.name === name) return;
    // What was written stays: only an example is exchanged for that of the other language.
    const untouched = examples.some((each) => sameFiles(each.program, program));
    if (untouched || program.files.every(({ content }) => content.trim() === '')) open(exampleFor(next.name).program);
    else change({ language: next.name, version: '' });
  }

  /** The job of the page; undefined where its arguments are no words. */
  function jobOf(size?: { rows: number; columns: number }): NewJob | undefined {
    try {
      return toNewJob(program, usualPath(name), { size, wallTimeMs: longestMs(choice) });
    } catch (error) {
      setArgsProblem((error as Error).message);
      return undefined;
    }
  }

  async function start() {
    if (busy || !jobOf()) return;
    setNotice(undefined);
    setShownIn(program.talk === 'terminal' ? 'terminal' : 'text');
    const terminal = program.talk === 'terminal' ? await whenTerminal(page.views) : undefined;
    const job = jobOf(terminal?.size);
    if (!job) return;
    terminal?.focus();
    // On a phone the result is below the program.
    if (matchMedia('(max-width: 820px)').matches) document.querySelector('.results')?.scrollIntoView();
    const ended = await page.run.start(job);
    if (!ended) return;
    const run = { id: ended.id, at: Date.now(), status: ended.status, wallTimeMs: ended.result?.wallTimeMs, program };
    setPast((runs) => {
      const kept = withRun(runs, run);
      save(HISTORY_KEY, kept);
      return kept;
    });
  }

  const latestStart = useRef(start);
  latestStart.current = start;
  useEffect(() => {
    // Before the editor, which would begin a new line.
    function onKey(event: KeyboardEvent) {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation();
      void latestStart.current();
    }
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, []);

  return (
    <>
      <TopBar
        program={program}
        choice={choice}
        examples={examples}
        problems={problems}
        theme={theme}
        busy={busy}
        onVersion={(version) => change({ version })}
        onExample={(example) => open(example.program)}
        onDialog={(next) => {
          if (next === 'language') languages.refresh();
          setDialog(next);
        }}
        onTheme={switchTheme}
        onRun={start}
        onCancel={page.run.cancel}
      />
      <div class="notices">
        {trouble && <Notice kind="away">{wordsForTrouble(trouble)}</Notice>}
        {notice && (
          <Notice kind={notice.kind} onClose={() => setNotice(undefined)}>
            {notice.text}
          </Notice>
        )}
        {choice?.available === false && (
          <Notice kind="unavailable">
            {choice.title} cannot be run here now: {choice.reason}
          </Notice>
        )}
        {languages.choices && !choice && (
          <Notice kind="unavailable">This server has no language “{program.language}”. Choose another.</Notice>
        )}
      </div>
      <main class="panes">
        <section class="pane source" aria-label="Program">
          <Tabs
            files={program.files}
            active={file?.path ?? ''}
            entry={program.entry}
            panelId={panelId}
            onOpen={setActive}
            onAdd={() => {
              const added = withNewFile(program, program.entry);
              setProgram(added.program);
              setActive(added.path);
            }}
            onRename={(from, to) => {
              setProgram(withName(program, from, to));
              setActive(to);
            }}
            onDelete={(path) => {
              const left = without(program, path);
              setProgram(left);
              setActive(left.entry);
            }}
            onEntry={(entry) => change({ entry })}
          />
          <div class="editor-frame" id={panelId} role="tabpanel" aria-label={file?.path ?? ''}>
            {file && (
              <Editor
                path={file.path}
                content={file.content}
                language={name}
                cspNonce={CSP_NONCE}
                describedBy={problems.files && `${panelId}-problem`}
                onChange={(content) => setProgram((before) => withContent(before, file.path, content))}
              />
            )}
          </div>
          <Problem id={`${panelId}-problem`} text={problems.files} />
          <Options
            program={program}
            problems={problems}
            limits={choice?.versions[0]}
            terminal={choice?.terminal ?? false}
            onChange={change}
          />
        </section>
        <Results api={api} page={page} shownIn={shownIn} theme={theme} elsewhere={elsewhere} />
      </main>
      {dialog === 'language' && (
        <LanguageDialog
          choices={languages.choices ?? []}
          chosen={name}
          onChoose={choose}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === 'share' && <ShareDialog program={program} onClose={() => setDialog(undefined)} />}
      {dialog === 'snippets' && (
        <SnippetsDialog
          snippets={snippets(jobOfWords(program, name, longestMs(choice)))}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === 'history' && (
        <HistoryDialog
          runs={past}
          onOpen={(run) => {
            setDialog(undefined);
            open(run.program);
          }}
          onClear={() => {
            setPast([]);
            forget(HISTORY_KEY);
          }}
          onClose={() => setDialog(undefined)}
        />
      )}
    </>
  );
}

function wordsForTrouble({ code, message }: RunlaneError): string {
  if (code !== 'UNREACHABLE') return `The server asks to wait: ${message}. It is tried again by itself.`;
  return 'The server does not answer. It is tried again by itself; what you wrote is safe, and a run that has begun goes on.';
}

const snippets = (job: NewJob) => snippetsFor(job, location.origin);

const longestMs = (choice: Choice | undefined) => choice?.versions[0]?.maximumLimits.wallTimeMs;

/** Also where the arguments are no words yet: as one, then. */
function jobOfWords(program: Program, language: string, wallTimeMs: number | undefined): NewJob {
  try {
    return toNewJob(program, usualPath(language), { wallTimeMs });
  } catch {
    return { ...toNewJob({ ...program, args: '' }, usualPath(language)), args: [program.args] };
  }
}

function sameFiles(one: Program, other: Program): boolean {
  return JSON.stringify([one.language, one.files]) === JSON.stringify([other.language, other.files]);
}
