import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { deserialize, serialize } from "node:v8";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { InputError, toldInFull } from "../input/diagnostic.ts";

/**
 * The process of `spinelab speaker`: `--file FILE [--socket PATH]`. Ends with status 2 where the file is wrong.
 * What reads YAML weighs as much as the speaker and is needed once. So the process reads the file and then begins
 * anew (execve(2)) with what it read, `--checked PATH`.
 */
const { file, socket, checked } = parseArgs({
  options: {
    file: { type: "string", short: "f" },
    socket: { type: "string" },
    checked: { type: "string" },
  },
}).values;
if (file === undefined) throw new Error("usage: --file FILE [--socket PATH]");
if (checked === undefined) await readAndBeginAnew(file);
else {
  const { runSpeaker } = await import("./speaker-process.ts");
  await runSpeaker(file, taken(checked), socket);
}

async function readAndBeginAnew(from: string): Promise<void> {
  const { readSpeakerFile } = await import("./speaker-file.ts");
  try {
    const config = readSpeakerFile(from);
    // Passwords are in it.
    const folder = mkdtempSync(path.join(tmpdir(), "spinelab-speaker-"));
    const into = path.join(folder, "config");
    writeFileSync(into, serialize(config), { mode: 0o600 });
    const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
    process.execve!(process.execPath, [...argv, "--checked", into]);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    process.stderr.write(toldInFull(error));
    process.exitCode = 2;
  }
}

function taken(from: string): SpeakerConfig {
  const config = deserialize(readFileSync(from)) as SpeakerConfig;
  rmSync(path.dirname(from), { recursive: true });
  return config;
}
