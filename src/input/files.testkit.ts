import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Diagnostic, formatDiagnostic } from "./diagnostic.ts";

/** Writes files into a folder that goes with the test; returns how to name them. */
export function filesFor(contents: Record<string, string>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(contents)) {
    writeFileSync(join(folder, name), content);
  }
  return (name) => join(folder, name);
}

/** Diagnostics as the user sees them, without the test's folder. */
export function shown(result: object): string[] {
  if (!("diagnostics" in result)) return [];
  return (result.diagnostics as Diagnostic[]).map((each) =>
    formatDiagnostic(each).replaceAll(/\/\S*\/spinelab-test-\w+\//g, ""),
  );
}
