import { statSync } from "node:fs";
import { format, join, parse } from "node:path";
import { UsageError } from "./exit.ts";

type Speaker = { node: string; instance: string };

/**
 * Where the routes of each speaker are written: an MRT file holds those of one (its PEER_INDEX_TABLE names one
 * collector, RFC 6396 §4.3.1). One speaker's go to `file`; of several each has its node's name in front of the
 * extension, or is a file of its own where `file` is a folder.
 */
export function mrtFiles(file: string, speakers: readonly Speaker[]): string[] {
  const there = statSync(file, { throwIfNoEntry: false });
  const names = speakers.map(({ node, instance }) => {
    const own = speakers.filter((each) => each.node === node);
    return [node, own.length > 1 || node === "" ? instance : ""]
      .filter((each) => each !== "")
      .join(".");
  });
  if (there?.isDirectory()) return names.map((name) => join(file, `${name}.mrt`));
  if (speakers.length <= 1) return speakers.map(() => file);
  if (there !== undefined && !there.isFile()) {
    throw new UsageError(
      `${file} takes the routes of one speaker, not those of ${names.join(", ")}\n  hint: --node NODE, or a folder`,
    );
  }
  const { dir, name: base, ext } = parse(file);
  return names.map((name) => format({ dir, name: `${base}.${name}`, ext }));
}
