/** The run of the page: its state, and the places where its output goes, which are not the page's state but nodes of it. */
import { useMemo, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import type { OutputView } from '../output/output-view.js';
import type { TerminalView } from '../output/terminal.js';
import { createRun, IDLE, type Run, type RunState } from '../run/run.js';

export interface Views {
  output: OutputView | undefined;
  terminal: TerminalView | undefined;
  /** Called when the terminal, which is fetched first, is there. */
  onTerminal: ((terminal: TerminalView) => void) | undefined;
}

export interface PageRun {
  readonly state: RunState;
  readonly run: Run;
  readonly views: Views;
}

export function usePageRun(api: Api): PageRun {
  const [state, setState] = useState<RunState>(IDLE);
  const [run, views] = useMemo(() => {
    const places: Views = { output: undefined, terminal: undefined, onTerminal: undefined };
    const sink = {
      append(stream: 'stdout' | 'stderr' | 'stdin', text: string) {
        if (places.terminal) places.terminal.write(text);
        else places.output?.append(stream, text);
      },
      flush: () => places.output?.flush(),
      clear() {
        places.terminal?.clear();
        places.output?.clear();
      },
    };
    return [createRun(api, sink, setState), places] as const;
  }, [api]);
  return { state, run, views };
}

/** The terminal, once it is on the page. */
export function whenTerminal(views: Views): Promise<TerminalView> {
  if (views.terminal) return Promise.resolve(views.terminal);
  return new Promise((resolve) => {
    views.onTerminal = resolve;
  });
}
