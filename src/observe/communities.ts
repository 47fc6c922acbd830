/** Well-known communities (RFC 1997, RFC 3765, RFC 7999, RFC 8326) as FRR writes them. */
const wellKnown: Record<string, string> = {
  "65535:0": "graceful-shutdown",
  "65535:666": "blackhole",
  "65535:65281": "no-export",
  "65535:65282": "no-advertise",
  "65535:65283": "local-AS",
  "65535:65284": "no-peer",
};

/** `65000:1`, `no-export`. */
export function communityText(high: number, low: number): string {
  const text = `${high}:${low}`;
  return wellKnown[text] ?? text;
}
