/** Sizes and times in words. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'] as const;

export function bytesInWords(bytes: number): string {
  const power = bytes < 1_024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${rounded(bytes / 1_024 ** power)} ${UNITS[power]}`;
}

export function timeInWords(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${rounded(ms / 1_000)} s`;
}

const rounded = (amount: number) => Number(amount.toFixed(1));
