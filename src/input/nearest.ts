/** The candidate that `word` is most likely a misspelling of, or undefined where none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = simplified(word);
  // A third of the letters may be wrong: `bpg` is `bgp`, but `tor9` is not `router0`.
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const known = simplified(candidate);
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, known.length) / 3));
    const begins = wanted.length >= 3 && known.startsWith(wanted);
    const distance = begins ? 1 : editDistance(wanted, known);
    if (distance <= limit && (best === undefined || distance < best.distance)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

/**
 * A hint for a name that is not known: `did you mean 'exec'?`, else the names there are where they
 * are few, else nothing.
 */
export function hintAtNames(word: string, candidates: Iterable<string>): string | undefined {
  const known = [...new Set(candidates)];
  const near = nearest(word, known);
  if (near !== undefined) return `did you mean '${near}'?`;
  if (known.length === 0 || known.length > 24) return undefined;
  return `known: ${known.sort().join(", ")}`;
}

function simplified(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
