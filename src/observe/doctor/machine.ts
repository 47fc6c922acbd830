import { readFileSync } from "node:fs";
import type { Finding } from "./finding.ts";

/** What the machine lacks that every lab on it needs. */
export function diagnoseMachine(): Finding[] {
  const read = (file: string) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return ""; // Not this kind of machine.
    }
  };
  const entries = neighborEntries(read("/proc/net/stat/arp_cache"));
  const limit = Number(read("/proc/sys/net/ipv4/neigh/default/gc_thresh3"));
  if (entries === undefined || limit === 0 || entries < limit) return [];
  return [
    {
      about: "machine",
      subject: "neighbor table",
      cause: "neighbor table full",
      text: `the kernel's neighbor table is full, of all labs together: packets are dropped before they are sent`,
      evidence: [`${entries} entries, ${limit} allowed (net.ipv4.neigh.default.gc_thresh3)`],
      cure: `fewer labs at once, or: sysctl -w net.ipv4.neigh.default.gc_thresh3=${limit * 8}`,
    },
  ];
}

/** The first column of the first row, in hexadecimal: entries of every namespace. */
export function neighborEntries(arpCache: string): number | undefined {
  const [, row = ""] = arpCache.split("\n");
  const entries = Number.parseInt(row.trim().split(/\s+/)[0] ?? "", 16);
  return Number.isNaN(entries) ? undefined : entries;
}
