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
      asn: 65010
SIGHUP reads the file again: sessions that are not concerned stay up.`,
    )
    .action(async (options: { file: string; socket?: string }) => {
      const { speakerProcess } = await import("../../lab/agent-bundle.ts");
      const socket = options.socket === undefined ? [] : ["--socket", options.socket];
      const { argv, env } = await speakerProcess(["--file", options.file, ...socket]);
      // A daemon runs for long: this process becomes it, and nothing of the command line stays in memory.
      process.execve!(argv[0]!, argv, { ...process.env, ...env });
    });
}
