/** So many letters of the alphabet. `random`: uniform in [0, 1). */
export function randomText(random: () => number, alphabet: string, length: number): string {
  const letter = () => alphabet[Math.floor(random() * alphabet.length)];
  return Array.from({ length }, letter).join("");
}

/** A UUID of version 4 (RFC 9562 §5.4), as Kubernetes gives objects. */
export function randomUid(random: () => number): string {
  const hex = (length: number) => randomText(random, "0123456789abcdef", length);
  const variant = randomText(random, "89ab", 1);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(12)}`;
}
