import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { TimelineRecord } from "../timeline/record.ts";
import { reportHtml } from "./html.ts";
import { junitXml } from "./junit.ts";

/** A file of the evidence: `tor0/frr.conf`, relative to the report's `evidence/`. */
export type EvidenceFile = { path: string; content: string | Uint8Array };

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
  const paths = bundle.map(({ path }) => path);
  const files: EvidenceFile[] = [
    {
      path: join(directory, "timeline.jsonl"),
      content: records.map((record) => `${JSON.stringify(record)}\n`).join(""),
    },
    { path: join(directory, "junit.xml"), content: junitXml([records]) },
    { path: join(directory, "report.html"), content: reportHtml(records, paths) },
    ...bundle.map(({ path, content }) => ({ path: inside(evidence, path), content })),
  ];
  await rm(evidence, { recursive: true, force: true });
  for (const { path, content } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

/**
 * Writes report.html and junit.xml anew beside a timeline, with links to the evidence that is there.
 * Returns their paths.
 */
export async function rebuildReports(
  directory: string,
  records: readonly TimelineRecord[],
): Promise<string[]> {
  const evidence = join(directory, "evidence");
  const entries = existsSync(evidence)
    ? await readdir(evidence, { recursive: true, withFileTypes: true })
    : [];
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(evidence, join(entry.parentPath, entry.name)));
  const files = [
    { path: join(directory, "junit.xml"), content: junitXml([records]) },
    { path: join(directory, "report.html"), content: reportHtml(records, paths) },
  ];
  for (const { path, content } of files) await writeFile(path, content);
  return files.map(({ path }) => path);
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
