import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Daemon } from "./daemons.ts";
import { median } from "./measure.ts";

export type Results = {
  /** By daemon, then by figure: one value a round. */
  figures: Map<string, Map<string, number[]>>;
  /** By daemon: why a stage has no figures of it. */
  failures: Map<string, string[]>;
};

export type Run = {
  daemons: readonly Daemon[];
  routes: number;
  rounds: number;
  /** Undefined where even that failed. */
  testerMs: number | undefined;
  /** Of the minute before the first round. */
  loadBefore: string;
};

type FigureOf = (daemon: string, name: string) => number | undefined;

/** Prints medians, ratios and limits. Whether every limit that could be looked at is kept. */
export function report({ figures, failures }: Results, run: Run): boolean {
  const { daemons, routes, rounds, testerMs, loadBefore } = run;
  const of: FigureOf = (daemon, name) => {
    const values = figures.get(daemon)?.get(name);
    return values && median(values);
  };
  const columns = [...new Set([...figures.values()].flatMap((each) => [...each.keys()]))];
  const shown = daemons.filter(({ name }) => figures.has(name));
  const versions = daemons.map(({ name, version }) => `${name} ${version()}`).join(", ");
  console.log(
    `${new Date().toISOString().slice(0, 10)}; ${machine()}; load ${loadBefore} before, ${loadAverage()} at the end.`,
  );
  console.log(`${versions}.`);
  console.log(
    `${routes.toLocaleString("en")} routes unless a row says otherwise; medians of ${rounds}.`,
  );
  if (testerMs !== undefined) {
    console.log(`The tester alone passes the same bytes to a sink in ${testerMs.toFixed(0)} ms.`);
  }
  console.log(`\n| | ${shown.map(({ name }) => name).join(" | ")} |`);
  console.log(`|---|${shown.map(() => "---|").join("")}`);
  for (const column of columns) {
    const digits = column.endsWith("Messages") ? 0 : 1;
    const cells = shown.map(({ name }) => of(name, column)?.toFixed(digits) ?? "–");
    console.log(`| ${labelled(column)} | ${cells.join(" | ")} |`);
  }
  console.log("");
  for (const [name, whys] of failures) for (const why of whys) console.log(`- ${name}, ${why}`);
  if (failures.size > 0) console.log("");

  const measured = limits(of).filter(({ value }) => value !== undefined);
  if (measured.length > 0) {
    console.log("| what Spinelab is held to | limit | measured | |\n|---|---|---|---|");
  }
  let isKept = true;
  for (const { what, value = 0, most } of measured) {
    if (value > most) isKept = false;
    const verdict = value > most ? "**not kept**" : "kept";
    console.log(`| ${what} | ${most} | ${value.toPrecision(3)} | ${verdict} |`);
  }
  return isKept;
}

/** `takeInCpuMs` → `take in, CPU ms`. */
function labelled(figure: string): string {
  const unit = /(Ms|Mb|Percent|Messages)$/.exec(figure)?.[0] ?? "";
  const words = figure
    .slice(0, figure.length - unit.length)
    .replaceAll(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
    .trim();
  const units: Record<string, string> = { Ms: "ms", Mb: "MB", Percent: "% of a core" };
  return `${words}, ${units[unit] ?? unit.toLowerCase()}`;
}

/** What the speaker is held to. */
function limits(of: FigureOf): { what: string; value: number | undefined; most: number }[] {
  const own = (name: string) => of("Spinelab", name);
  const ratio = (name: string, to: string) => {
    const [a, b] = [own(name), of(to, name)];
    return a === undefined || b === undefined ? undefined : a / b;
  };
  return [
    { what: "take in, to BIRD's time", value: ratio("takeInMs", "BIRD"), most: 2 },
    { what: "take in, to FRR's time", value: ratio("takeInMs", "FRR"), most: 0.2 },
    { what: "pass on, to BIRD's time", value: ratio("passOnMs", "BIRD"), most: 2 },
    { what: "pass on, to FRR's time", value: ratio("passOnMs", "FRR"), most: 0.2 },
    { what: "withdraw all, to BIRD's time", value: ratio("withdrawMs", "BIRD"), most: 1 },
    { what: "memory after it, MB", value: own("rssMb"), most: 250 },
    { what: "1,000 own prefixes after Established, ms", value: own("ownMs"), most: 10 },
    { what: "their messages", value: own("ownMessages"), most: 1 },
    { what: "one route to the wire, ms", value: own("oneRouteMs"), most: 1 },
    { what: "100 peers x 10 routes to all, ms", value: own("manyMs"), most: 100 },
    { what: "1,000 idle sessions, percent of a core", value: own("idlePercent"), most: 1 },
    { what: "process start to Established, ms", value: own("establishedMs"), most: 150 },
    { what: "idle resident memory, MB", value: own("idleRssMb"), most: 60 },
  ];
}

function machine(): string {
  const [{ model = "?" } = {}] = cpus();
  const release = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  return `${cpus().length} × ${model.trim()}, Linux ${release}`;
}

/** Of the last minute. */
export function loadAverage(): string {
  return readFileSync("/proc/loadavg", "utf8").split(" ")[0]!;
}
