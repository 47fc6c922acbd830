/** What `ping -n -D -O` of iputils tells, line by line. */
export type PingLine =
  /** `[1795217787.181277] 64 bytes from 10.1.3.1: icmp_seq=1 ttl=61 time=0.063 ms` */
  | { line: "reply"; sequence: number; atUnixMs: number; rttMs: number; duplicate: boolean }
  /** `[1795217751.388182] no answer yet for icmp_seq=1` */
  | { line: "noAnswer"; sequence: number; atUnixMs: number };

/** Undefined for lines that tell nothing of a packet: headers, summaries, ICMP errors on the way. */
export function parsePingLine(text: string): PingLine | undefined {
  const reply =
    /^\[(\d+\.\d+)\] \d+ bytes from .*icmp_seq=(\d+) .*?time=([\d.]+) ms( \(DUP!\))?/.exec(text);
  if (reply) {
    return {
      line: "reply",
      atUnixMs: Number(reply[1]) * 1000,
      sequence: Number(reply[2]),
      rttMs: Number(reply[3]),
      duplicate: reply[4] !== undefined,
    };
  }
  const none = /^\[(\d+\.\d+)\] no answer yet for icmp_seq=(\d+)/.exec(text);
  if (!none) return undefined;
  return { line: "noAnswer", atUnixMs: Number(none[1]) * 1000, sequence: Number(none[2]) };
}

/** The last lines of `ping -c N`. */
export type PingSummary = { sent: number; received: number; rttMsMean?: number };

/** Understands iputils (`mdev`, `mrtt` too) and busybox (`round-trip min/avg/max`). */
export function parsePingSummary(text: string): PingSummary | undefined {
  const counts = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(text);
  if (!counts) return undefined;
  const mean = /(?:rtt|round-trip) min\/avg\/max[^=]*= [\d.]+\/([\d.]+)\//.exec(text)?.[1];
  return {
    sent: Number(counts[1]),
    received: Number(counts[2]),
    ...(mean !== undefined && { rttMsMean: Number(mean) }),
  };
}
