/**
 * Output between its arrival and the next frame. A program may print far faster than a page can show: what is more than fits on
 * the screen is left out here, before it costs a layout, and counted.
 */

/** `stdin` is what was typed while the program ran. */
export type Stream = 'stdout' | 'stderr' | 'stdin';

export interface Piece {
  readonly stream: Stream;
  readonly text: string;
}

export interface OutputBuffer {
  append(stream: Stream, text: string): void;
  /** What is new since the last time, pieces of the same stream together; at most `maxChars`. */
  take(): Piece[];
  /** Characters that were never taken, as later ones came too soon. */
  omitted(): number;
  clear(): void;
}

export function createOutputBuffer(maxChars: number): OutputBuffer {
  let waiting: { stream: Stream; text: string }[] = [];
  let chars = 0;
  let omitted = 0;

  function leaveOut(excess: number): void {
    let left = excess;
    while (left > 0) {
      const [oldest] = waiting;
      if (!oldest) return;
      const cut = Math.min(left, oldest.text.length);
      if (cut === oldest.text.length) waiting.shift();
      else oldest.text = oldest.text.slice(cut);
      chars -= cut;
      omitted += cut;
      left -= cut;
    }
  }

  return {
    append(stream, text) {
      if (text === '') return;
      const last = waiting.at(-1);
      // Pieces are bounded, so that leaving one out is cheap.
      if (last?.stream === stream && last.text.length < 4_096) last.text += text;
      else waiting.push({ stream, text });
      chars += text.length;
      // Not each time: as much again may wait, and is then cut at once.
      if (chars > 2 * maxChars) leaveOut(chars - maxChars);
    },
    take() {
      leaveOut(chars - maxChars);
      const pieces: { stream: Stream; text: string }[] = [];
      for (const { stream, text } of waiting) {
        const last = pieces.at(-1);
        if (last?.stream === stream) last.text += text;
        else pieces.push({ stream, text });
      }
      waiting = [];
      chars = 0;
      return pieces;
    },
    omitted: () => omitted,
    clear() {
      waiting = [];
      chars = 0;
      omitted = 0;
    },
  };
}
