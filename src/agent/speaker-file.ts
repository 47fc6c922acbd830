import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { readConfigMessage } from "./config-message.ts";

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
export function readInChild(file: string): Promise<SpeakerConfig> {
  const argv = ["--snapshot-blob", reader, file];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    const told: Uint8Array[] = [];
    const refused: Uint8Array[] = [];
    child.stdout.on("data", (bytes: Buffer) => {
      told.push(bytes);
      const config = readConfigMessage(told);
      if (config !== undefined) resolve(config);
    });
    child.stderr.on("data", (bytes: Buffer) => refused.push(bytes));
    child.once("error", reject);
    // Nothing more comes of it where all was told before.
    child.once("close", (code) => {
      reject(new RefusedFileError(Buffer.concat(refused).toString(), code || 1));
    });
  });
}
