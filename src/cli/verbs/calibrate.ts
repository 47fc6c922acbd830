import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { wholeNumber } from "../exit.ts";
import { endingSignal } from "../view.ts";

type CalibrateOptions = { runs: number; output?: string };

export function registerCalibrate(program: Command): void {
  program
    .command("calibrate")
    .summary("measure FRR's own times, which simulated routers then have")
    .option(
      "--runs <n>",
      "how often each is measured; the least counts",
      wholeNumber("--runs", 1),
      5,
    )
    .option("-o, --output <file>", "where they go (default: where --runtime sim looks)")
    .addHelpText(
      "after",
      `
Builds three routers of FRR in network namespaces (root), changes routes and resets sessions, and reads from
their logs how long FRR lets things wait. Takes about a minute; a quiet machine measures best.`,
    )
    .action(async ({ runs, output }: CalibrateOptions) => {
      const { calibrate } = await import("../../lab/calibrate/calibrate.ts");
      const { measuredFile } = await import("../../sim/frr/timing.ts");
      const tell = (text: string) => process.stderr.write(`${text}\n`);
      const timing = await calibrate({ runs, signal: endingSignal(), tell });
      const file = output ?? fileURLToPath(measuredFile);
      writeFileSync(file, `${JSON.stringify(timing, undefined, 2)}\n`);
      process.stdout.write(`${JSON.stringify(timing, undefined, 2)}\nwritten to ${file}\n`);
    });
}
