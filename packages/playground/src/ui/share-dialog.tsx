/** The program as a link, and as what to paste elsewhere. */
import { useEffect, useState } from 'preact/hooks';
import type { Program } from '../program/program.js';
import { toFragment } from '../program/share.js';
import { CopyButton } from './copy-button.js';
import { Dialog } from './dialog.js';

/** Longer ones are cut by some programs that they are sent with. */
const LONG_LINK = 8_000;

export function ShareDialog({ program, onClose }: { readonly program: Program; onClose(): void }) {
  const [link, setLink] = useState('');
  useEffect(() => {
    void toFragment(program).then((fragment) => setLink(`${location.origin}${location.pathname}${fragment}`));
  }, [program]);
  return (
    <Dialog title="Share this program" class="share" onClose={onClose}>
      <p>
        The link holds the program itself, behind the <code>#</code>: no server keeps it, or sees it when the link is
        opened. Whoever opens it sees the program, and runs it only by pressing Run.
      </p>
      <label>
        <span class="visually-hidden">Link</span>
        <textarea class="share-link" readOnly rows={4} value={link} onFocus={(event) => event.currentTarget.select()} />
      </label>
      {link.length > LONG_LINK && <p class="note">This link is long: some mail and chat programs may cut it.</p>}
      <CopyButton text={link} label="Copy the link" />
    </Dialog>
  );
}
