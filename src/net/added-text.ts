/**
 * What a log says beyond what it said `before`. Of a long one the beginning may be gone meanwhile; one
 * that does not go on from before at all was begun anew, and all of it is added.
 */
export function addedText(before: string, now: string): string {
  if (now === "" || now.startsWith(before)) return now.slice(before.length);
  const lineEnd = now.indexOf("\n");
  const first = lineEnd < 0 ? now : now.slice(0, lineEnd + 1);
  // Where what is left begins in what was.
  let at = before.indexOf(first, Math.max(0, before.length - now.length));
  for (; at >= 0; at = before.indexOf(first, at + 1)) {
    const kept = before.slice(at);
    if (now.startsWith(kept)) return now.slice(kept.length);
  }
  return now;
}
