import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { serialize } from "node:v8";
import { parseDocument } from "yaml";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { parseSpeakerConfig } from "../bgp/speaker/config-file.ts";
import { type Diagnostic, InputError, toldInFull } from "../input/diagnostic.ts";

/**
 * What the child of a speaker does (speaker-file.ts): the configuration to standard output, or all that is wrong in
 * its file to standard error.
 */
export function tellConfig(file: string): void {
  try {
    process.stdout.write(serialize(readConfig(file)));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    process.stderr.write(toldInFull(error));
    process.exitCode = 2;
  }
}

function readConfig(file: string): SpeakerConfig {
  const refuse = (problems: readonly Omit<Diagnostic, "file" | "line">[]) =>
    new InputError(problems.map((problem) => ({ file, line: 0, ...problem })));
  let yaml: string;
  try {
    yaml = readFileSync(file, "utf8");
  } catch (error) {
    throw refuse([{ code: "UnreadableFile", path: "", message: (error as Error).message }]);
  }
  const config = parseSpeakerConfig(parseDocument(yaml).toJS(), hostname());
  if (Array.isArray(config)) throw refuse(config);
  return config;
}
