import { createRequire } from "node:module";
import { constants } from "node:os";
import { Command, CommanderError } from "commander";
import { ExitStatus, explain } from "./exit.ts";
import { registerBgp } from "./verbs/bgp.ts";
import { registerCalibrate } from "./verbs/calibrate.ts";
import { registerCapture } from "./verbs/capture.ts";
import { registerConvert } from "./verbs/convert.ts";
import { registerDiff } from "./verbs/diff.ts";
import { registerDoctor } from "./verbs/doctor.ts";
import { registerDown } from "./verbs/down.ts";
import { registerExec, registerShell } from "./verbs/exec.ts";
import { registerGraph } from "./verbs/graph.ts";
import { registerInspect } from "./verbs/inspect.ts";
import { registerKubeconfig, registerKubectl } from "./verbs/kubectl.ts";
import { registerLink } from "./verbs/link.ts";
import { registerList } from "./verbs/list.ts";
import { registerLogs } from "./verbs/logs.ts";
import { registerParts } from "./verbs/parts.ts";
import { registerPlay } from "./verbs/play.ts";
import { registerRecord } from "./verbs/record.ts";
import { registerReport } from "./verbs/report.ts";
import { registerRun } from "./verbs/run.ts";
import { registerScale } from "./verbs/scale.ts";
import { registerSimulate } from "./verbs/simulate.ts";
import { registerSpeaker } from "./verbs/speaker.ts";
import { registerSupervise } from "./verbs/supervise.ts";
import { registerWatch } from "./verbs/watch.ts";
import { registerUp } from "./verbs/up.ts";
import { registerValidate } from "./verbs/validate.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

const program = new Command("spinelab")
  .description("The lab and digital twin of Kubernetes on a leaf-spine BGP fabric.")
  .version(version)
  .exitOverride()
  .showHelpAfterError("(spinelab --help lists the commands)")
  .enablePositionalOptions()
  .addHelpText(
    "after",
    `
Examples:
  spinelab                        the labs there are
  spinelab rack-spine             deploy it, play its scenario, report, take it down
  spinelab up rack-spine          deploy it and leave it running
  spinelab bgp peers              the sessions of its Kubernetes nodes
  spinelab down                   take it down

From a checkout, write \`npm run lab\` for \`spinelab\`, and \`npm run lab -- up rack-spine\`
where a word begins with a dash or is a command.

Exit status: 0 passed, 1 a check failed, 2 the input is wrong, 3 inconclusive.`,
  );

registerRun(program);
registerUp(program);
registerPlay(program);
registerSimulate(program);
registerDown(program);
registerList(program);
registerInspect(program);
registerExec(program);
registerShell(program);
registerLogs(program);
registerLink(program);
registerBgp(program);
registerKubectl(program);
registerKubeconfig(program);
registerCapture(program);
registerGraph(program);
registerValidate(program);
registerReport(program);
registerRecord(program);
registerDiff(program);
registerDoctor(program);
registerWatch(program);
registerConvert(program);
registerScale(program);
registerCalibrate(program);
registerSpeaker(program);
registerParts(program);
registerSupervise(program);

// Whoever read it has left, as `head` does: the end that SIGPIPE, which Node ignores, brings others. What holds a lab
// looks after itself.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (process.stdout.listenerCount("error") === 1) process.exit(128 + constants.signals.SIGPIPE);
});

process.exitCode = await main(process.argv.slice(2));

async function main(argv: string[]): Promise<number> {
  const verbs = program.commands.map((each) => each.name());
  const [first] = argv;
  // `spinelab` lists the labs; `spinelab rack-spine` runs that lab.
  const words =
    first === undefined
      ? ["list"]
      : first.startsWith("-") || verbs.includes(first) || first === "help"
        ? argv
        : ["run", ...argv];
  try {
    await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? ExitStatus.passed);
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? ExitStatus.passed : ExitStatus.inputWrong;
    }
    return explain(error, process.stderr);
  }
}
