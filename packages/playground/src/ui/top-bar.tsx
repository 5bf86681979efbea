/** What is chosen and done: language, version, example; run, cancel; share, history, theme. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Example } from '../examples/examples.js';
import type { Choice } from '../program/languages.js';
import type { Program } from '../program/program.js';
import type { Placed } from '../run/problems.js';
import { ChevronIcon, CodeIcon, HistoryIcon, MoonIcon, RunIcon, ShareIcon, StopIcon, SunIcon } from './icons.js';
import { Problem } from './options.js';
import type { Theme } from './theme.js';

export type DialogName = 'language' | 'share' | 'snippets' | 'history';

export interface TopBarProps {
  readonly program: Program;
  readonly choice: Choice | undefined;
  readonly examples: readonly Example[];
  readonly problems: Placed['at'];
  readonly theme: Theme;
  readonly busy: boolean;
  onVersion(version: string): void;
  onExample(example: Example): void;
  onDialog(name: DialogName): void;
  onTheme(): void;
  onRun(): void;
  onCancel(): void;
}

export function TopBar(props: TopBarProps) {
  const { program, choice, examples, problems, theme, busy } = props;
  const otherTheme = theme === 'dark' ? 'light' : 'dark';
  return (
    <header class="top-bar">
      <h1 class="brand">
        <img src="/icon.svg" alt="" width="24" height="24" />
        <span>
          Runlane <span class="visually-hidden">playground</span>
        </span>
      </h1>
      <div class="choices">
        <button type="button" class="picker" aria-haspopup="dialog" onClick={() => props.onDialog('language')}>
          <span class="visually-hidden">Language: </span>
          <span class="picker-text">{choice?.title ?? program.language}</span>
          <ChevronIcon />
        </button>
        <VersionSelect choice={choice} version={program.version} onVersion={props.onVersion} />
        <span class="select">
          <select
            aria-label="Example"
            class="picker examples"
            value=""
            onChange={({ currentTarget }) => {
              const example = examples.find(({ name }) => name === currentTarget.value);
              if (example) props.onExample(example);
              currentTarget.value = '';
            }}
          >
            <option value="">Examples</option>
            {examples.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <ChevronIcon />
        </span>
        <Problem text={[problems.language, problems.version].filter(Boolean).join('; ')} />
      </div>
      <nav class="tools" aria-label="Tools">
        <Tool label="Share" onClick={() => props.onDialog('share')} icon={<ShareIcon />} />
        <Tool label="Code" onClick={() => props.onDialog('snippets')} icon={<CodeIcon />} />
        <Tool label="History" onClick={() => props.onDialog('history')} icon={<HistoryIcon />} />
        <button
          type="button"
          class="icon-button"
          aria-label={`Switch to ${otherTheme} colours`}
          title={`Switch to ${otherTheme} colours`}
          onClick={props.onTheme}
        >
          {theme === 'dark' ? <SunIcon /> : <MoonIcon />}
        </button>
      </nav>
      <div class="run-place">
        {busy ? (
          <button type="button" class="run cancel" onClick={props.onCancel}>
            <StopIcon />
            <span>Cancel</span>
          </button>
        ) : (
          <button
            type="button"
            class="run"
            title="Ctrl+Enter"
            aria-keyshortcuts="Control+Enter Meta+Enter"
            onClick={props.onRun}
          >
            <RunIcon />
            <span>Run</span>
          </button>
        )}
      </div>
    </header>
  );
}

interface ToolProps {
  readonly label: string;
  readonly icon: ComponentChildren;
  onClick(): void;
}

function Tool({ label, icon, onClick }: ToolProps) {
  return (
    <button type="button" class="tool" aria-haspopup="dialog" onClick={onClick}>
      {icon}
      <span class="tool-label">{label}</span>
    </button>
  );
}

interface VersionSelectProps {
  readonly choice: Choice | undefined;
  readonly version: string;
  onVersion(version: string): void;
}

function VersionSelect({ choice, version, onVersion }: VersionSelectProps) {
  const id = useId();
  const versions = choice?.versions.filter((each) => each.version !== '') ?? [];
  const usual = versions.find(({ available }) => available)?.version;
  const isKnown = version === '' || versions.some((each) => each.version === version);
  return (
    <>
      <label class="visually-hidden" for={id}>
        Version
      </label>
      <span class="select">
        <select
          id={id}
          class="picker version"
          value={version}
          onChange={(event) => onVersion(event.currentTarget.value)}
        >
          <option value="">{usual ?? 'any version'}</option>
          {!isKnown && <option value={version}>{version}</option>}
          {versions
            .filter((each) => each.version !== usual)
            .map((each) => (
              <option key={each.version} value={each.version} disabled={!each.available}>
                {each.available ? each.version : `${each.version}: ${each.unavailableReason}`}
              </option>
            ))}
          {usual !== undefined && version === usual && <option value={usual}>{usual}</option>}
        </select>
        <ChevronIcon />
      </span>
    </>
  );
}
