/** The page: a program, its run, and what is between them. */
import type { NewJob, RunlaneError } from '@runlane/client';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import { exampleFor, examplesFor, usualPath } from '../examples/examples.js';
import type { First } from '../first-program.js';
import { type Choice, findChoice } from '../program/languages.js';
import { type Program, type Talked, toNewJob } from '../program/program.js';
import { place, stillAt } from '../run/problems.js';
import { Dialogs } from './dialogs.js';
import { Notices } from './notices.js';
import { Results } from './results.js';
import { SourcePane } from './source-pane.js';
import { useTheme } from './theme.js';
import { type DialogName, TopBar } from './top-bar.js';
import { usePageHistory } from './use-history.js';
import { useLanguages } from './use-languages.js';
import { isWritten, usePageProgram } from './use-program.js';
import { usePageRun, whenTerminal } from './use-run.js';
import { useRunKey } from './use-run-key.js';

/** While the chosen language cannot be run, in milliseconds. */
const ASK_AGAIN_MS = 5_000;

export interface AppProps {
  readonly api: Api;
  readonly first: First;
  /** Called with the key that the server wants. */
  onKey(key: string): void;
}

export function App({ api, first, onKey }: AppProps) {
  const sheet = usePageProgram(first);
  const page = usePageRun(api);
  const history = usePageHistory();
  const languages = useLanguages(api);
  const [theme, switchTheme] = useTheme();
  const [dialog, setDialog] = useState<DialogName>();
  const [shownIn, setShownIn] = useState<'text' | 'terminal'>('text');
  const [sent, setSent] = useState<Program>();
  const [argsProblem, setArgsProblem] = useState<string>();
  const [trouble, setTrouble] = useState<RunlaneError>();
  useEffect(() => api.onTrouble(setTrouble), [api]);
  useRunKey(start);

  const { program } = sheet;
  const choice = languages.choices && findChoice(languages.choices, program.language);
  const language = choice?.name ?? program.language;
  const examples = useMemo(() => examplesFor(language), [language]);
  const { at, all } = place(page.state.refusal);
  const refused = stillAt(at, sent, program);
  const problems = argsProblem ? { ...refused, args: argsProblem } : refused;
  const busy = page.state.phase === 'submitting' || page.state.phase === 'running';

  const { refresh } = languages;
  useEffect(() => {
    if (choice?.available !== false) return;
    // Its toolchain may just be being set up.
    const timer = setInterval(refresh, ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [choice?.available, refresh]);

  function change(part: Partial<Program>) {
    setArgsProblem(undefined);
    sheet.change(part);
  }

  function open(next: Program) {
    setDialog(undefined);
    setArgsProblem(undefined);
    sheet.open(next);
  }

  /** What was written stays; an example is exchanged for that of the other language. */
  function choose(next: Choice) {
    setDialog(undefined);
    if (next.name === language) return;
    if (!isWritten({ ...program, language })) return open(exampleFor(next.name).program);
    setArgsProblem(undefined);
    sheet.translate(next.name, { old: entryOf(choice, language), new: entryOf(next, next.name) });
  }

  /** @throws Error where its arguments are no words. */
  function jobOf(given: Program, size?: Talked['size']): NewJob {
    const wallTimeMs = choice?.versions[0]?.maximumLimits.wallTimeMs;
    return toNewJob(given, usualPath(language), { size, wallTimeMs });
  }

  async function start() {
    if (busy) return;
    try {
      jobOf(program);
    } catch (error) {
      return setArgsProblem((error as Error).message);
    }
    sheet.dismiss();
    setSent(program);
    setShownIn(program.talk === 'terminal' ? 'terminal' : 'text');
    const terminal = program.talk === 'terminal' ? await whenTerminal(page.views) : undefined;
    terminal?.focus();
    // On a phone the result is below the program.
    if (matchMedia('(max-width: 820px)').matches) document.querySelector('.results')?.scrollIntoView();
    const ended = await page.run.start(jobOf(program, terminal?.size));
    if (ended) history.add(ended, program);
  }

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
      <Notices
        trouble={trouble}
        refusal={page.state.refusal ?? languages.refusal}
        keyed={api.keyed}
        sheet={sheet}
        choice={choice}
        known={languages.choices !== undefined}
        onKey={onKey}
      />
      <main class="panes">
        <SourcePane sheet={sheet} language={language} choice={choice} problems={problems} onChange={change} />
        <Results api={api} page={page} shownIn={shownIn} theme={theme} refused={all} />
      </main>
      <Dialogs
        open={dialog}
        choices={languages.choices ?? []}
        language={language}
        program={program}
        history={history}
        keyed={api.keyed}
        job={() => orAsOneWord(program, jobOf)}
        onLanguage={choose}
        onPast={(run) => open(run.program)}
        onClose={() => setDialog(undefined)}
      />
    </>
  );
}

/** The server's word for it, and the page's own until the server has told. */
function entryOf(choice: Choice | undefined, language: string): string | undefined {
  return choice?.versions[0]?.entry ?? usualPath(language);
}

/** Arguments that are no words yet are shown as one. */
function orAsOneWord(program: Program, jobOf: (program: Program) => NewJob): NewJob {
  try {
    return jobOf(program);
  } catch {
    return { ...jobOf({ ...program, args: '' }), args: [program.args] };
  }
}
