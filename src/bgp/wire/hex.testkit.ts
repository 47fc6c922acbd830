// Bytes as a test writes them: for tests only.

/** `"0a 00 02 01"` to four bytes; blanks are for the eye. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(/\s/g, "").match(/../g) ?? [], (pair) =>
    Number.parseInt(pair, 16),
  );
}

export function hex(of: Uint8Array): string {
  return Array.from(of, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A message of that type: marker and length put before the body. */
export function message(type: number, bodyHex: string): Uint8Array {
  const body = bytes(bodyHex);
  const length = 19 + body.length;
  return Uint8Array.of(...Array<number>(16).fill(0xff), length >> 8, length & 0xff, type, ...body);
}
