import { createReadStream, openSync, rmSync } from "node:fs";
import type { EvidenceFile } from "../lab/evidence.ts";
import type { EvidenceFile as ReportFile } from "../report/write.ts";

/**
 * A lab's evidence as reports take it. Its files are gone from the lab's folder, which may go before the report is
 * written; what is in them is read as it is written there.
 */
export function takenOver(files: readonly EvidenceFile[]): ReportFile[] {
  return files.map((one) => {
    if ("content" in one) return one;
    const { path, file } = one;
    const content = createReadStream(file, { fd: openSync(file, "r") });
    rmSync(file);
    return { path, content };
  });
}
