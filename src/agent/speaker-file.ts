import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parseDocument } from "yaml";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { parseSpeakerConfig } from "../bgp/speaker/config-file.ts";
import { InputError } from "../input/diagnostic.ts";

/** A speaker's configuration from its YAML file. Throws InputError with all that is wrong in the file. */
export function readSpeakerFile(file: string): SpeakerConfig {
  const document = parseDocument(readFileSync(file, "utf8"));
  const config = parseSpeakerConfig(document.toJS(), hostname());
  if (!Array.isArray(config)) return config;
  throw new InputError(config.map((problem) => ({ file, line: 0, ...problem })));
}
