/** A terminal for programs that want one: xterm, fetched when the first such program is run. */
import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal } from '@xterm/xterm';
import { CSP_NONCE } from '../csp-nonce.js';
import { allowOwnStyles } from './allow-own-styles.js';

allowOwnStyles(CSP_NONCE);

export interface TerminalView {
  write(text: string): void;
  clear(): void;
  /** Take the colours of the page as they are now. */
  recolour(): void;
  focus(): void;
  readonly size: { readonly rows: number; readonly columns: number };
  close(): void;
}

export interface TerminalOptions {
  onData(text: string): void;
  onResize(rows: number, columns: number): void;
  /** F6 was pressed: every other key, Tab too, is the program's. */
  onLeave(): void;
}

export function openTerminal(box: HTMLElement, { onData, onResize, onLeave }: TerminalOptions): TerminalView {
  const style = getComputedStyle(box);
  const terminal = new Terminal({
    fontFamily: style.getPropertyValue('--mono'),
    fontSize: 13,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    scrollback: 5_000,
    screenReaderMode: true,
    theme: themeOf(style),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.onData(onData);
  terminal.onResize(({ rows, cols }) => onResize(rows, cols));
  terminal.attachCustomKeyEventHandler(({ key, type }) => {
    if (key !== 'F6') return true;
    if (type === 'keydown') onLeave();
    return false;
  });
  terminal.open(box);
  fit.fit();
  const watcher = new ResizeObserver(() => fit.fit());
  watcher.observe(box);
  return {
    write: (text) => terminal.write(text),
    clear: () => terminal.reset(),
    recolour() {
      terminal.options.theme = themeOf(style);
    },
    focus: () => terminal.focus(),
    get size() {
      return { rows: terminal.rows, columns: terminal.cols };
    },
    close() {
      watcher.disconnect();
      terminal.dispose();
    },
  };
}

function themeOf(style: CSSStyleDeclaration): ITheme {
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    background: colour('--surface'),
    foreground: colour('--ink'),
    cursor: colour('--accent'),
    cursorAccent: colour('--surface'),
    selectionBackground: colour('--selection'),
  };
}
