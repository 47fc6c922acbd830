import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { serveAdminSocket } from "./admin-socket.ts";
import { adminHandler } from "./admin.ts";
import { giveBackAfterStart } from "./give-back.ts";
import { processLog } from "./log.ts";
import { SpeakerHost } from "./speaker-host.ts";

export { rehearse } from "./rehearsal.ts";

/** The longest that Node has. */
const intervalMsMax = 2 ** 31 - 1;
/** Half a million routes are not searched for garbage on the way there. */
const tableMb = 96;

/** A BGP daemon until SIGTERM; at SIGHUP it reads its configuration again and keeps what it had where that fails. */
export async function runSpeaker(
  config: SpeakerConfig,
  socket: string | undefined,
  readAgain: () => Promise<SpeakerConfig>,
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
  const reconfigure = async (): Promise<void> => {
    let read: SpeakerConfig;
    try {
      read = await readAgain();
    } catch (error) {
      log("error", `the configuration stays as it was: ${(error as Error).message.trimEnd()}`);
      return;
    }
    host.configure(read);
    log("info", "configuration read again");
  };
  process.on("SIGHUP", () => void reconfigure());
  host.start();
  log("info", "speaker is running", { asn: config.localAsn });
  giveBackAfterStart(tableMb);
  // A file without peers and port leaves nothing else to wait for, and SIGHUP may bring another.
  setInterval(() => {}, intervalMsMax);
}
