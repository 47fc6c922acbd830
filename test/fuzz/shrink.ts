/** The sequence of messages, made as short as still fails: first fewer of them, then fewer bytes in each. */
export function shrink(
  messages: readonly Uint8Array[],
  fails: (messages: readonly Uint8Array[]) => boolean,
): Uint8Array[] {
  let smallest = withoutParts([...messages], fails);
  for (const i of smallest.keys()) {
    const bytes = withoutParts([...smallest[i]!], (candidate) =>
      fails(smallest.with(i, Uint8Array.from(candidate))),
    );
    smallest = smallest.with(i, Uint8Array.from(bytes));
  }
  return smallest;
}

/** Leaves out halves, quarters and so on, down to single elements, as long as it fails. */
function withoutParts<T>(from: T[], fails: (candidate: T[]) => boolean): T[] {
  let current = from;
  for (
    let size = Math.ceil(current.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < current.length;) {
      const candidate = current.toSpliced(at, size);
      if (fails(candidate)) current = candidate;
      else at += size;
    }
  }
  return current;
}
