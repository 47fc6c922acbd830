import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parseDocument } from "yaml";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { parseSpeakerConfig } from "../bgp/speaker/config-file.ts";
import { InputError } from "../input/diagnostic.ts";
import { serveAdminSocket } from "./admin-socket.ts";
import { adminHandler } from "./admin.ts";
import { processLog } from "./log.ts";
import { SpeakerHost } from "./speaker-host.ts";

/**
 * A BGP daemon of one YAML file, until SIGTERM; at SIGHUP it reads the file again and keeps what it had
 * where that is wrong. Throws InputError with all that is wrong in the file.
 */
export async function runSpeaker(file: string, socket: string | undefined): Promise<void> {
  const config = readConfig(file);
  const log = processLog("speaker");
  const host = new SpeakerHost(config, {
    restarting: true,
    softwareVersion: "spinelab",
    log: (level, message, peer) => log(level, message, { peer }),
    onChanged: () => {},
  });
  if (socket !== undefined) {
    const speakers = new Map([["speaker", host]]);
    await serveAdminSocket(socket, adminHandler({ speakers, nowMs: () => performance.now() }));
  }
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void host.stop("graceful", 1000).finally(() => process.exit(0)));
  }
  process.on("SIGHUP", () => {
    try {
      host.configure(readConfig(file));
      log("info", "configuration read again");
    } catch (error) {
      log("error", `the configuration stays as it was: ${(error as Error).message}`);
    }
  });
  host.start();
  log("info", "speaker is running", { asn: config.localAsn });
}

function readConfig(file: string): SpeakerConfig {
  const document = parseDocument(readFileSync(file, "utf8"));
  const config = parseSpeakerConfig(document.toJS(), hostname());
  if (!Array.isArray(config)) return config;
  throw new InputError(config.map((problem) => ({ file, line: 0, ...problem })));
}
