import { spawn } from "node:child_process";
import { buffer, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { deserialize } from "node:v8";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";

/** The message ends with a line end; `status` is what the process is to end with. */
export class RefusedFileError extends Error {
  override readonly name = "RefusedFileError";
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Of config-reader.ts, made with the bundle that this is part of. */
const reader = fileURLToPath(new URL("config-reader.blob", import.meta.url));

/**
 * A speaker's configuration from its YAML file, read by a child: what reads YAML weighs as much as the speaker, is
 * needed once, and does its work while the speaker is loaded. Throws RefusedFileError with all that is wrong in the file.
 */
export async function readInChild(file: string): Promise<SpeakerConfig> {
  const argv = ["--snapshot-blob", reader, file];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
  const status = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const [told, refused, ended] = await Promise.all([
    buffer(child.stdout),
    text(child.stderr),
    status,
  ]);
  if (ended !== 0) throw new RefusedFileError(refused, ended);
  return deserialize(told) as SpeakerConfig;
}
