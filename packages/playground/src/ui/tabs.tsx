/** The files of the program, as tabs: add, rename, delete, and which of them is started. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SourceFile } from '../program/program.js';
import { CloseIcon, PlusIcon } from './icons.js';

export interface TabsProps {
  readonly files: readonly SourceFile[];
  readonly active: string;
  readonly entry: string;
  readonly panelId: string;
  onOpen(path: string): void;
  onAdd(): void;
  onRename(from: string, to: string): void;
  onDelete(path: string): void;
  onEntry(path: string): void;
}

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };

export function Tabs({ files, active, entry, panelId, onOpen, onAdd, onRename, onDelete, onEntry }: TabsProps) {
  const [renaming, setRenaming] = useState<string>();
  const list = useRef<HTMLDivElement>(null);
  const several = files.length > 1;

  function move(event: KeyboardEvent) {
    const step = STEPS[event.key];
    if (event.key === 'F2') setRenaming(active);
    if (event.key === 'Delete' && several) onDelete(active);
    if (step === undefined) return;
    const at = files.findIndex(({ path }) => path === active);
    const next = files[(at + step + files.length) % files.length];
    if (next) onOpen(next.path);
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('[aria-selected=true]')?.focus());
  }

  return (
    <div class="tabs">
      <div class="tab-list" role="tablist" aria-label="Files" ref={list} onKeyDown={move}>
        {files.map(({ path }) => (
          <button
            key={path}
            type="button"
            role="tab"
            class="tab"
            aria-selected={path === active}
            aria-controls={panelId}
            tabIndex={path === active ? 0 : -1}
            title={path === entry && several ? `${path} (started first)` : path}
            onClick={() => onOpen(path)}
            onDblClick={() => setRenaming(path)}
          >
            {several && path === entry && (
              <span class="entry-mark" role="img" aria-label="started first">
                ▸
              </span>
            )}
            <span class="tab-name">{path}</span>
          </button>
        ))}
      </div>
      <div class="tab-actions">
        <button type="button" class="icon-button" aria-label="Add a file" title="Add a file" onClick={onAdd}>
          <PlusIcon />
        </button>
        <button type="button" class="small-button" onClick={() => setRenaming(active)}>
          Rename
        </button>
        {several && (
          <>
            <button type="button" class="small-button" disabled={active === entry} onClick={() => onEntry(active)}>
              Start here
            </button>
            <button
              type="button"
              class="icon-button"
              aria-label={`Delete ${active}`}
              title={`Delete ${active}`}
              onClick={() => onDelete(active)}
            >
              <CloseIcon />
            </button>
          </>
        )}
      </div>
      {renaming !== undefined && (
        <Rename
          from={renaming}
          taken={files.map(({ path }) => path).filter((path) => path !== renaming)}
          onDone={(to) => {
            setRenaming(undefined);
            if (to !== undefined && to !== renaming) onRename(renaming, to);
          }}
        />
      )}
    </div>
  );
}

interface RenameProps {
  readonly from: string;
  readonly taken: readonly string[];
  onDone(to: string | undefined): void;
}

function Rename({ from, taken, onDone }: RenameProps) {
  const [name, setName] = useState(from);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    // The ending mostly stays.
    field.current?.setSelectionRange(from.lastIndexOf('/') + 1, Math.max(0, from.lastIndexOf('.')) || from.length);
  }, [from]);
  const trimmed = name.trim();
  const wrong = trimmed === '' ? 'A file needs a name.' : taken.includes(trimmed) ? 'There is such a file.' : '';
  return (
    <form
      class="rename"
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) onDone(trimmed);
      }}
      onKeyDown={(event) => event.key === 'Escape' && onDone(undefined)}
    >
      <label>
        <span class="visually-hidden">New name of {from}</span>
        <input
          ref={field}
          value={name}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          aria-invalid={wrong !== ''}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="small-button" disabled={wrong !== ''}>
        Save
      </button>
      <button type="button" class="small-button" onClick={() => onDone(undefined)}>
        Cancel
      </button>
      {wrong && (
        <span class="field-problem" role="alert">
          {wrong}
        </span>
      )}
    </form>
  );
}
