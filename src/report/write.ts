import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { dirname, join, relative, resolve } from "node:path";
import type { TimelineRecord } from "../timeline/record.ts";
import { reportHtml } from "./html.ts";
import { junitXml } from "./junit.ts";
import type { SpreadReport } from "./spread.ts";

/** A file of the evidence: `tor0/frr.conf`, relative to the report's `evidence/`. What may be large is a stream. */
export type EvidenceFile = { path: string; content: string | Readable };

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
  await rm(join(directory, spreadFile), { force: true });
  for (const { path, content } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

const spreadFile = "spread.json";

/** What several runs measured: spread.json, and the last one's report.html and junit.xml with it. */
export async function writeSpread(
  directory: string,
  records: readonly TimelineRecord[],
  spread: SpreadReport,
): Promise<void> {
  await writeFile(join(directory, spreadFile), `${JSON.stringify(spread, undefined, 2)}\n`);
  await rebuildReports(directory, records);
}

/**
 * Writes report.html and junit.xml anew beside a timeline, with links to the evidence that is there
 * and the spread of the runs, if it is of several. Returns their paths.
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
  const file = join(directory, spreadFile);
  const spread = existsSync(file)
    ? (JSON.parse(await readFile(file, "utf8")) as SpreadReport)
    : undefined;
  const files = [
    { path: join(directory, "junit.xml"), content: junitXml([records], spread) },
    { path: join(directory, "report.html"), content: reportHtml(records, paths, spread) },
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
