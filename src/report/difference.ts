/** A run of text; `different` where the other side does not have it. */
export type Segment = { text: string; different: boolean };

/** Above this many words or lines a comparison costs more than it tells. */
const wordsMax = 400;

/**
 * Where what was seen departs from what was expected, word by word (line by line where there are
 * several lines): the longest common subsequence is the same, the rest differs. Joined again the
 * segments are the two texts.
 */
export function compare(expected: string, seen: string): { expected: Segment[]; seen: Segment[] } {
  const byLine = expected.includes("\n") || seen.includes("\n");
  const left = split(expected, byLine);
  const right = split(seen, byLine);
  if (left.length > wordsMax || right.length > wordsMax) {
    return { expected: [whole(expected)], seen: [whole(seen)] };
  }
  // Row i, column j: length of the longest common subsequence of left[i..] and right[j..].
  const common = Array.from({ length: left.length + 1 }, () =>
    Array.from(right, () => 0).concat(0),
  );
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      common[i]![j] =
        word(left[i]!) === word(right[j]!)
          ? common[i + 1]![j + 1]! + 1
          : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const out = { expected: [] as Segment[], seen: [] as Segment[] };
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const both = i < left.length && j < right.length;
    if (both && word(left[i]!) === word(right[j]!)) {
      push(out.expected, left[i++]!, false);
      push(out.seen, right[j++]!, false);
    } else if (j >= right.length || (both && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      push(out.expected, left[i++]!, true);
    } else {
      push(out.seen, right[j++]!, true);
    }
  }
  return out;
}

/**
 * The difference in one line, for where no colour can mark it: `received 3 → 8`. Undefined where the
 * texts have nothing in common, or a line each: then they say it themselves.
 */
export function describeDifference(expected: string, seen: string): string | undefined {
  if (expected.includes("\n") || seen.includes("\n")) return undefined;
  const sides = compare(expected, seen);
  if (!sides.expected.some((segment) => !segment.different)) return undefined;
  if (!isPartial(sides.expected) && !isPartial(sides.seen)) return undefined;
  // A change stands between two common runs; the word before it says what changed.
  const wanted = gaps(sides.expected);
  const got = gaps(sides.seen);
  const parts: string[] = [];
  for (let k = 0; k < Math.max(wanted.length, got.length); k++) {
    const before = wanted[k]?.before ?? got[k]?.before ?? "";
    const from = wanted[k]?.text ?? "";
    const to = got[k]?.text ?? "";
    if (from !== "" && to !== "") parts.push(`${before} ${from} → ${to}`.trimStart());
    else if (from !== "") parts.push(`missing ${from}`);
    else if (to !== "") parts.push(`also ${to}`);
  }
  return parts.length === 0 ? undefined : parts.join("; ");
}

/** What a check told of the difference, else where its texts depart from each other. */
export function differenceOf(check: {
  expected: string;
  seen: string;
  differs?: string;
}): string | undefined {
  return check.differs ?? describeDifference(check.expected, check.seen);
}

/** What stands before, between and after the common words, by the number of common words before it. */
function gaps(segments: readonly Segment[]): { before: string; text: string }[] {
  const found: { before: string; text: string }[] = [];
  let commonWords = 0;
  let before = "";
  for (const segment of segments) {
    if (segment.different) {
      found[commonWords] = { before, text: trim(segment.text) };
    } else {
      const words = split(segment.text, false);
      commonWords += words.length;
      before = word(words.at(-1) ?? "");
    }
  }
  return Array.from(found, (gap) => gap ?? { before: "", text: "" });
}

function isPartial(segments: readonly Segment[]): boolean {
  return segments.some((segment) => segment.different) && segments.some((s) => !s.different);
}

/** Words with the space after them, or lines with their newline: joined they are the text. */
function split(text: string, byLine: boolean): string[] {
  return text.match(byLine ? /[^\n]*\n|[^\n]+$/g : /\s*\S+\s*/g) ?? (text === "" ? [] : [text]);
}

/** What of a piece counts: neither the space around it nor the comma after it. */
function word(piece: string): string {
  return piece.trim().replace(/[,;]$/, "");
}

function trim(text: string): string {
  return text.trim().replace(/[,;]$/, "");
}

function whole(text: string): Segment {
  return { text, different: true };
}

function push(segments: Segment[], text: string, different: boolean): void {
  const last = segments.at(-1);
  if (last?.different === different) last.text += text;
  else segments.push({ text, different });
}
