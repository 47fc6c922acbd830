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
