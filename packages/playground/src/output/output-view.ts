/**
 * The output on the page. Written once a frame and as text alone: few large nodes, never one for each piece, and no more of them than
 * anybody scrolls through.
 */
import { createOutputBuffer, type Piece, type Stream } from './output-buffer.js';

/** Kept on the page; more would make every frame slower, and is in the download. */
const MAX_CHARS = 120_000;
/** Of one node: a frame lays out no more than those that it writes to. */
const BLOCK_CHARS = 8_000;
/** A line this long is broken. */
const LONGEST_LINE = 32_000;
/** A node costs as much as this many characters: a program that changes its stream with every letter fills no page either. */
const NODE_CHARS = 40;

export interface OutputView {
  append(stream: Stream, text: string): void;
  /** Show now what would be shown in the next frame. */
  flush(): void;
  clear(): void;
}

/** @param onOmitted told how many characters are left out on the page, when that changes. */
export function createOutputView(box: HTMLElement, onOmitted: (chars: number) => void): OutputView {
  const buffer = createOutputBuffer(MAX_CHARS);
  let last: { stream: Stream; node: Text; ended: boolean } | undefined;
  let chars = 0;
  let removed = 0;
  let told = 0;
  let frame = 0;

  function startBlock(stream: Stream): Text {
    const block = document.createElement('div');
    block.className = `block ${stream}`;
    if (last?.stream === stream) block.classList.add('goes-on');
    else if (stream !== 'stdout') block.dataset.label = stream;
    const node = document.createTextNode('');
    block.append(node);
    box.append(block);
    last = { stream, node, ended: false };
    chars += NODE_CHARS;
    return node;
  }

  function write({ stream, text }: Piece): void {
    let rest = text;
    while (rest !== '') {
      const node = last?.stream === stream && !last.ended ? last.node : startBlock(stream);
      const end = endOfBlock(rest, node.length);
      node.appendData(rest.slice(0, end));
      chars += end;
      rest = rest.slice(end);
      if (last && node.length >= BLOCK_CHARS && (node.data.endsWith('\n') || node.length >= LONGEST_LINE))
        last.ended = true;
    }
  }

  function removeOldest(): void {
    while (chars > MAX_CHARS && box.childElementCount > 1) {
      const oldest = box.firstElementChild;
      const length = oldest?.textContent?.length ?? 0;
      oldest?.remove();
      chars -= length + NODE_CHARS;
      removed += length;
    }
  }

  function show(): void {
    frame = 0;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    for (const piece of buffer.take()) write(piece);
    removeOldest();
    if (atEnd) box.scrollTop = box.scrollHeight;
    const omitted = removed + buffer.omitted();
    if (omitted !== told) onOmitted(omitted);
    told = omitted;
  }

  return {
    append(stream, text) {
      buffer.append(stream, text);
      frame ||= requestAnimationFrame(show);
    },
    flush() {
      cancelAnimationFrame(frame);
      show();
    },
    clear() {
      cancelAnimationFrame(frame);
      frame = 0;
      buffer.clear();
      box.replaceChildren();
      last = undefined;
      chars = 0;
      removed = 0;
      if (told > 0) onOmitted(0);
      told = 0;
    },
  };
}

/** How much of a text still belongs to a block of this length: up to the end of a line, as what follows begins a new one. */
function endOfBlock(text: string, length: number): number {
  const room = Math.max(0, BLOCK_CHARS - length);
  if (text.length <= room) return text.length;
  const lineEnd = text.indexOf('\n', room);
  const end = lineEnd === -1 ? text.length : lineEnd + 1;
  return Math.max(1, Math.min(end, LONGEST_LINE - length));
}
