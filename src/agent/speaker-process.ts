import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { serveAdminSocket } from "./admin-socket.ts";
import { adminHandler } from "./admin.ts";
import { giveBackAfterStart } from "./give-back.ts";
import { processLog } from "./log.ts";
import { SpeakerHost } from "./speaker-host.ts";

/**
 * A BGP daemon of one YAML file, which was read already, until SIGTERM; at SIGHUP it reads the file again and
 * keeps what it had where that is wrong.
 */
export async function runSpeaker(
  file: string,
  config: SpeakerConfig,
  socket: string | undefined,
): Promise<void> {
  const log = processLog("speaker");
  const host = new SpeakerHost(config, {
    restarting: true,
    softwareVersion: "spinelab",
    log: (level, message, peer) => log(level, message, { peer }),
    onChanged: () => {},
  });
  if (socket !== undefined) {
    const speakers = new Map([["speaker", host]]);
    const handler = adminHandler({ speakers, nowMs: () => performance.now() });
    await serveAdminSocket(socket, handler, log);
  }
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void host.stop("graceful", 1000).then(() => process.exit(0)));
  }
  const readAgain = async (): Promise<void> => {
    let read: SpeakerConfig;
    try {
      const { readSpeakerFile } = await import("./speaker-file.ts");
      read = readSpeakerFile(file);
    } catch (error) {
      log("error", `the configuration stays as it was: ${(error as Error).message}`);
      return;
    }
    host.configure(read);
    log("info", "configuration read again");
  };
  process.on("SIGHUP", () => void readAgain());
  host.start();
  log("info", "speaker is running", { asn: config.localAsn });
  giveBackAfterStart();
}
