import { hostname } from "node:os";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { parseSpeakerConfig } from "../bgp/speaker/config-file.ts";
import { inFileOrder, InputError, toldInFull } from "../input/diagnostic.ts";
import { parseYaml, readTextFile, type YamlDocument, yamlValue } from "../input/yaml-file.ts";

/**
 * What the child of a speaker does (speaker-file.ts): it tells the configuration, or all that is wrong in its file to
 * standard error.
 */
export function tellConfig(file: string, tell: (config: SpeakerConfig) => void): void {
  try {
    tell(readConfig(file));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    process.stderr.write(toldInFull(error));
    process.exitCode = 2;
  }
}

/** Throws InputError with every mistake, each with its line. */
function readConfig(file: string): SpeakerConfig {
  const content = readTextFile(file);
  if ("diagnostics" in content) throw new InputError(content.diagnostics);
  return parseConfig(content.text, file);
}

/** `file` is its name. Throws InputError. */
export function parseConfig(text: string, file: string): SpeakerConfig {
  const written = programsJson(text);
  const config = written === undefined ? [] : parseSpeakerConfig(written, hostname());
  return Array.isArray(config) ? readYaml(text, file) : config;
}

/**
 * What JSON.stringify() wrote, as programs do that make such a file: it is YAML as well, but read at once. Undefined
 * for all other text, of JSON too: JSON.parse() takes a key that is there twice, and YAML does not.
 */
function programsJson(text: string): unknown {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text.trimEnd() ? value : undefined;
  } catch {
    // Flow style of YAML, or a mistake: that reader tells.
    return undefined;
  }
}

function readYaml(text: string, file: string): SpeakerConfig {
  const read = parseYaml(text, file);
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
