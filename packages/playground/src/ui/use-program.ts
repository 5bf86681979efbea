/** The program on the page: changed, and exchanged for another, of which the one before is never lost. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { examplesFor } from '../examples/examples.js';
import { DRAFT_KEY, type First, firstProgram } from '../first-program.js';
import { type Entries, inLanguage, withContent, withName, withNewFile, without } from '../program/files.js';
import type { Program } from '../program/program.js';
import { save } from '../program/store.js';

/** A pause in typing after which the draft is kept, in milliseconds. */
const KEEP_AFTER_MS = 400;

export interface PageProgram {
  readonly program: Program;
  /** Path of the file in the editor. */
  readonly active: string;
  readonly notice: First['notice'];
  /** What was on the page before, if anybody wrote it. */
  readonly aside: Program | undefined;
  change(part: Partial<Program>): void;
  /** The same files in another language. */
  translate(language: string, entries: Entries): void;
  /** Exchange it. */
  open(next: Program): void;
  bringBack(): void;
  dismiss(): void;
  readonly files: {
    open(path: string): void;
    write(path: string, content: string): void;
    add(): void;
    rename(from: string, to: string): void;
    remove(path: string): void;
  };
}

export function usePageProgram(first: First): PageProgram {
  const [program, setProgram] = useState(first.program);
  const [active, setActive] = useState(first.program.entry);
  const [notice, setNotice] = useState(first.notice);
  const [aside, setAside] = useState<Program>();
  // What came by a link is somebody else's: until it is changed, the own draft stays the draft.
  const foreign = useRef(first.notice?.kind === 'link' ? first.program : undefined);

  useEffect(() => {
    if (program === foreign.current) return;
    const timer = setTimeout(() => save(DRAFT_KEY, program), KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [program]);

  function show(next: Program): void {
    setProgram(next);
    setActive(next.entry);
    setNotice(undefined);
    setAside(undefined);
  }

  function exchange(next: Program): void {
    const isOwn = program !== foreign.current && isWritten(program);
    show(next);
    if (isOwn) setAside(program);
  }

  const latest = useRef(exchange);
  latest.current = exchange;
  useEffect(() => {
    // A link that is opened in this very tab loads nothing anew.
    async function follow() {
      if (!location.hash) return;
      const linked = await firstProgram(location.hash);
      if (linked.notice?.kind === 'link') {
        foreign.current = linked.program;
        latest.current(linked.program);
      }
      setNotice(linked.notice);
    }
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);

  return {
    program,
    active,
    notice,
    aside,
    change: (part) => setProgram((before) => ({ ...before, ...part })),
    translate(language, entries) {
      const next = inLanguage(program, language, entries);
      setProgram(next);
      if (active === program.entry) setActive(next.entry);
    },
    open(next) {
      exchange(next);
      leaveLink();
    },
    bringBack() {
      if (aside) show(aside);
      leaveLink();
    },
    dismiss() {
      setNotice(undefined);
      setAside(undefined);
    },
    files: {
      open: setActive,
      write: (path, content) => setProgram((before) => withContent(before, path, content)),
      add() {
        const added = withNewFile(program, program.entry);
        setProgram(added.program);
        setActive(added.path);
      },
      rename(from, to) {
        setProgram(withName(program, from, to));
        setActive(to);
      },
      remove(path) {
        const left = without(program, path);
        setProgram(left);
        setActive(left.entry);
      },
    },
  };
}

/** It would bring the program of the link back when the page is loaded anew. */
function leaveLink(): void {
  if (location.hash) history.replaceState(null, '', location.pathname);
}

/** Whether there is something in it that is no example. */
export function isWritten({ language, files }: Program): boolean {
  const text = JSON.stringify(files);
  const isExample = examplesFor(language).some((example) => JSON.stringify(example.program.files) === text);
  return !isExample && files.some(({ content }) => content.trim() !== '');
}
