import type { Command } from "commander";
import { askControl } from "../../lab/control.ts";
import type { Finding } from "../../lab/doctor.ts";
import { controlSocket } from "../../lab/state-folder.ts";
import { parsePrefix } from "../../net/prefix.ts";
import { terminalOutput } from "../../report/terminal/output.ts";
import { printLine, span, type Line } from "../../report/terminal/text.ts";
import { ExitStatus, UsageError } from "../exit.ts";
import { selectLab } from "../running-lab.ts";

type DoctorOptions = { prefix: string[]; traffic: boolean; json?: boolean };

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("name the cause of what does not work in a lab that is up")
    .argument("[lab]", "which lab, where several are up")
    .option("-p, --prefix <prefix>", "follow this prefix, not every podCIDR (repeat)", several, [])
    .option("--no-traffic", "leave out the pings between pods")
    .option("--json", "findings as JSON")
    .addHelpText(
      "after",
      `
It looks and changes nothing:
  sessions   each that is configured and not up: link, route, AS numbers, password, filter, limits
  routes     each podCIDR from where it is announced, to the hop at which it stops, and why
  traffic    pings between pods; where one is lost, the kernels' routes hop by hop, both ways

Examples:
  spinelab doctor
  spinelab doctor rack-spine --prefix 192.0.2.0/24
  spinelab doctor --json | jq -r '.[].cause'

Exit status: 0 nothing found, 1 something is wrong.`,
    )
    .action(async (name: string | undefined, options: DoctorOptions) => {
      const prefixes = options.prefix.map((text) => {
        const prefix = parsePrefix(text);
        if (prefix === undefined) throw new UsageError(`${text}: expected a prefix: 10.1.3.0/24`);
        return prefix;
      });
      const { lab } = selectLab(name);
      const findings = (await askControl(controlSocket(lab), {
        do: "doctor",
        traffic: options.traffic,
        ...(prefixes.length > 0 && { prefixes }),
      })) as Finding[];
      if (options.json) process.stdout.write(`${JSON.stringify(findings, undefined, 2)}\n`);
      else print(lab, findings);
      process.exitCode = findings.length === 0 ? ExitStatus.passed : ExitStatus.failed;
    });
}

function print(lab: string, findings: readonly Finding[]): void {
  const look = terminalOutput(process.stdout, process.env);
  const write = (line: Line) => process.stdout.write(`${printLine(line, look)}\n`);
  if (findings.length === 0) {
    write([span(`lab ${lab}: sessions, routes and traffic are well`, "green")]);
    return;
  }
  for (const { about, subject, cause, text, evidence, cure } of findings) {
    write([span(`${about} `, "dim"), span(subject, "bold"), span(`: ${cause}`, "red")]);
    write([span(`  ${text}`)]);
    for (const each of evidence) write([span(`  seen  ${each}`, "dim")]);
    write([span("  cure  ", "dim"), span(cure)]);
  }
}

function several(value: string, before: string[]): string[] {
  return [...before, value];
}
