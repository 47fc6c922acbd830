import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { TimelineRecord } from "../timeline/record.ts";
import { reportHtml } from "./html.ts";
import { junitXml } from "./junit.ts";

/** A file of the evidence: `tor0/frr.conf`, relative to the report's `evidence/`. */
export type EvidenceFile = { path: string; content: string };

/**
 * Writes timeline.jsonl, junit.xml and report.html into the directory, which is made where it is not
 * there, and the bundle under evidence/. Evidence of an earlier run goes. Throws at the first file
 * that cannot be written.
 */
export async function writeReports(
  directory: string,
  records: readonly TimelineRecord[],
  bundle: readonly EvidenceFile[] = [],
): Promise<void> {
  const evidence = join(directory, "evidence");
  const files: EvidenceFile[] = [
    {
      path: join(directory, "timeline.jsonl"),
      content: records.map((record) => `${JSON.stringify(record)}\n`).join(""),
    },
    { path: join(directory, "junit.xml"), content: junitXml([records]) },
    { path: join(directory, "report.html"), content: reportHtml(records) },
    ...bundle.map(({ path, content }) => ({ path: inside(evidence, path), content })),
  ];
  await rm(evidence, { recursive: true, force: true });
  for (const { path, content } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

/** A bundle's paths hold names from the lab's files: none may lead out of its directory. */
function inside(directory: string, path: string): string {
  const full = resolve(directory, path);
  const within = relative(resolve(directory), full);
  if (within === "" || within.startsWith("..")) {
    throw new Error(`the evidence file ${JSON.stringify(path)} is outside of the evidence`);
  }
  return full;
}
