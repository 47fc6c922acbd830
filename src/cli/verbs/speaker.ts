import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Command } from "commander";

export function registerSpeaker(program: Command): void {
  program
    .command("speaker")
    .summary("a BGP daemon from one YAML file, without Kubernetes")
    .requiredOption("-f, --file <file>", "its configuration")
    .option("--socket <path>", "admin socket, for `bgp --socket PATH peers`")
    .addHelpText(
      "after",
      `
Example of a file:
  localAsn: 65010
  routerId: 10.0.2.2
  hostname: host1
  originate: [10.1.3.0/24]
  peers:
    - name: tor0
      address: 10.0.2.1
      asn: 65010`,
    )
    .action(async (options: { file: string; socket?: string }) => {
      const { parseDocument } = await import("yaml");
      const { InputError } = await import("../../input/diagnostic.ts");
      const { parseSpeakerConfig } = await import("../../bgp/speaker/config-file.ts");
      const { SpeakerHost } = await import("../../agent/speaker-host.ts");
      const { serveAdminSocket } = await import("../../agent/admin-socket.ts");
      const { adminHandler } = await import("../../agent/admin.ts");
      const { processLog } = await import("../../agent/log.ts");

      const document = parseDocument(readFileSync(options.file, "utf8"));
      const config = parseSpeakerConfig(document.toJS(), hostname());
      if (Array.isArray(config)) {
        throw new InputError(
          config.map((problem) => ({ file: options.file, line: 0, ...problem })),
        );
      }
      const log = processLog("speaker");
      const host = new SpeakerHost(config, {
        restarting: true,
        softwareVersion: "spinelab",
        log: (level, message, peer) => log(level, message, { peer }),
        onChanged: () => {},
      });
      if (options.socket !== undefined) {
        const speakers = new Map([["speaker", host]]);
        await serveAdminSocket(options.socket, adminHandler({ speakers }));
      }
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        process.once(signal, () => void host.stop("graceful", 1000).finally(() => process.exit(0)));
      }
      host.start();
      log("info", "speaker is running", { asn: config.localAsn });
    });
}
