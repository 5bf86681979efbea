/** The editor: CodeMirror, with one state for each open file, so that each has its own history and place. */
import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { LOOK } from './look.js';
import { modeFor } from './modes.js';
import { TYPE_OVER } from './type-over.js';

export interface EditorProps {
  readonly path: string;
  readonly content: string;
  readonly language: string;
  readonly cspNonce: string;
  /** What is wrong with it, for who cannot see it: the id of the element that says so. */
  readonly describedBy?: string | undefined;
  onChange(content: string): void;
}

export function Editor({ path, content, language, cspNonce, describedBy, onChange }: EditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>();
  const states = useRef(new Map<string, EditorState>());
  const shown = useRef(path);
  const mode = useRef(new Compartment());
  const labels = useRef(new Compartment());
  const latest = useRef(onChange);
  latest.current = onChange;

  function fresh(text: string): EditorState {
    const changed = EditorView.updateListener.of((update) => {
      if (update.docChanged) latest.current(update.state.doc.toString());
    });
    return EditorState.create({
      doc: text,
      extensions: [...extensions(cspNonce), mode.current.of([]), labels.current.of([]), changed],
    });
  }

  useLayoutEffect(() => {
    if (!box.current) return;
    view.current = new EditorView({ state: fresh(content), parent: box.current });
    return () => view.current?.destroy();
  }, []);

  useLayoutEffect(() => {
    const editor = view.current;
    if (!editor || (path === shown.current && editor.state.doc.toString() === content)) return;
    states.current.set(shown.current, editor.state);
    const known = path === shown.current ? undefined : states.current.get(path);
    shown.current = path;
    // What was opened since under the same name is another file.
    editor.setState(known?.doc.toString() === content ? known : fresh(content));
    states.current.delete(path);
  }, [path, content]);

  useEffect(() => {
    let stale = false;
    void modeFor(language).then((extension) => {
      if (!stale) view.current?.dispatch({ effects: mode.current.reconfigure(extension) });
    });
    return () => {
      stale = true;
    };
  }, [language, path, content === view.current?.state.doc.toString()]);

  useEffect(() => {
    const attributes = { 'aria-label': `Source of ${path}`, ...(describedBy && { 'aria-describedby': describedBy }) };
    view.current?.dispatch({ effects: labels.current.reconfigure(EditorView.contentAttributes.of(attributes)) });
  }, [path, describedBy, content === view.current?.state.doc.toString()]);

  return <div class="editor" ref={box} />;
}

function extensions(cspNonce: string): Extension[] {
  return [
    EditorView.cspNonce.of(cspNonce),
    lineNumbers(),
    highlightActiveLineGutter(),
    history(),
    drawSelection(),
    EditorState.allowMultipleSelections.of(true),
    indentOnInput(),
    indentUnit.of('    '),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    // Escape, then Tab leaves the editor: CodeMirror lets it go then.
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, indentWithTab]),
    TYPE_OVER,
    LOOK,
  ];
}
