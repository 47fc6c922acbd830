import { hostname } from "node:os";
import { serialize } from "node:v8";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { parseSpeakerConfig } from "../bgp/speaker/config-file.ts";
import { inFileOrder, InputError, toldInFull } from "../input/diagnostic.ts";
import { readYamlFile, type YamlDocument, yamlValue } from "../input/yaml-file.ts";

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

/** Throws InputError with every mistake, each with its line. */
function readConfig(file: string): SpeakerConfig {
  const read = readYamlFile(file);
  if ("diagnostics" in read) throw new InputError(read.diagnostics);
  const [document, second] = read.documents as [YamlDocument, YamlDocument?];
  if (second !== undefined) {
    const message = "there is one speaker, and one document, to a file";
    throw new InputError([{ file, line: second.root.line, code: "BadValue", path: "", message }]);
  }
  const config = parseSpeakerConfig(yamlValue(document.root), hostname());
  if (!Array.isArray(config)) return config;
  throw new InputError(
    inFileOrder(
      config.map((problem) => ({ file, line: document.lineOf(problem.path), ...problem })),
    ),
  );
}
