/** How long a client would wait for a result, by the header `Prefer` (RFC 7240). */

const MAX_WAIT_SECONDS = 60;

/** `wait=N`, in seconds; `wait` alone is as long as there is. What cannot be honoured is ignored, as the RFC has it. */
export function preferredWaitSeconds(prefer: string | undefined): number {
  const found = /(?:^|[,;])\s*wait\s*(?:=\s*"?(\d{1,9})"?\s*)?(?:$|[,;])/i.exec(prefer ?? '');
  return found ? Math.min(Number(found[1] ?? MAX_WAIT_SECONDS), MAX_WAIT_SECONDS) : 0;
}
