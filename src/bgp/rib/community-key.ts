/** Text that is equal for equal large communities (RFC 8092), and for no others. */
export function largeCommunityKey(of: readonly [number, number, number]): string {
  return of.join(":");
}

/** In hexadecimal: an extended community (RFC 4360), or the value of an unknown attribute. */
export function bytesKey(of: Uint8Array): string {
  return of.reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
}
