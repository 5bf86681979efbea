import { useEffect, useState } from 'preact/hooks';

/** Copies a text, and says so. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(''), 2_000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => setSaid((await copyText(text)) ? 'Copied' : 'Select it and copy');
  return (
    <button type="button" class="button" onClick={copy}>
      <span aria-live="polite">{said || label}</span>
    </button>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    // Browsers have it only where nobody can listen on the way: not over plain HTTP from another machine.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
