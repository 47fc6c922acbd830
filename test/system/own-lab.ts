import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { repository, spinelab, traces } from "./spinelab.ts";

/** A lab's name, and the folder with a copy of rack-spine's files. */
export class OwnLab {
  name = "";
  folder = "";
  /** What of labs was on the machine before the test. */
  tracesBefore: ReturnType<typeof traces> = {};

  get file(): string {
    return join(this.folder, "labs/rack-spine/lab.yaml");
  }

  /** In one of its files. Throws where `from` is not there. */
  change(file: string, from: string | RegExp, to: string): void {
    const path = join(this.folder, file);
    const text = readFileSync(path, "utf8");
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`${file} does not hold ${from}`);
    writeFileSync(path, changed);
  }
}

/** Every test of the file has a lab of its own to spoil, and leaves nothing behind. */
export function ownLab(prefix: string): OwnLab {
  const lab = new OwnLab();
  let count = 0;

  beforeEach(() => {
    lab.name = `${prefix}-${process.pid}-${++count}`;
    lab.folder = mkdtempSync(join(tmpdir(), `spinelab-${prefix}-`));
    for (const part of ["labs/rack-spine", "topologies", "scenarios"]) {
      cpSync(join(repository, part), join(lab.folder, part), { recursive: true });
    }
    lab.tracesBefore = traces(lab.name);
  });

  afterEach(async () => {
    await spinelab("down", lab.name);
    rmSync(lab.folder, { recursive: true });
    expect(traces(lab.name)).toEqual(lab.tracesBefore);
  });

  return lab;
}
