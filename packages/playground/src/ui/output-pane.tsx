/** What the program says, as it says it: as text, or in a terminal. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { createOutputView } from '../output/output-view.js';
import { formatBytes } from '../run/verdict.js';
import type { Theme } from './theme.js';
import type { PageRun, Views } from './use-run.js';

export function TextOutput({ views, empty }: { readonly views: Views; readonly empty: boolean }) {
  const box = useRef<HTMLElement>(null);
  const [omitted, setOmitted] = useState(0);
  useEffect(() => {
    if (box.current) views.output = createOutputView(box.current, setOmitted);
    return () => {
      views.output = undefined;
    };
  }, [views]);
  return (
    <div class="output-frame">
      {omitted > 0 && (
        <p class="omitted">
          … earlier output left out ({formatBytes(omitted)}); download all of it below when the program has ended
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="output" ref={box} aria-label="Output" tabIndex={0} />
      {empty && <p class="output-empty">What the program prints appears here.</p>}
    </div>
  );
}

const onLeave = () => document.querySelector<HTMLElement>('.run')?.focus();

export interface TerminalOutputProps extends Omit<PageRun, 'state'> {
  readonly theme: Theme;
}

export function TerminalOutput({ run, views, theme }: TerminalOutputProps) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    let closed = false;
    void import('../output/terminal.js').then(({ openTerminal }) => {
      if (closed || !box.current) return;
      views.terminal = openTerminal(box.current, { onData: run.write, onResize: run.resize, onLeave });
      views.onTerminal?.(views.terminal);
    });
    return () => {
      closed = true;
      views.terminal?.close();
      views.terminal = undefined;
    };
  }, [views, run]);
  // With the theme, the colours of the page are others.
  useEffect(() => views.terminal?.recolour(), [theme, views]);
  return (
    <div class="output-frame">
      <section class="terminal-box" ref={box} aria-label="Terminal, which F6 leaves" />
      <p class="terminal-hint">Every key is the program’s; F6 leaves the terminal.</p>
    </div>
  );
}
