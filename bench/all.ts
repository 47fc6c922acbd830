/**
 * `make bench`: every bench, one after the other. One that fails hides none of the others; the last lines say
 * which kept their limits. Ends with status 1 where one did not. Root.
 *
 *   node bench/all.ts [--write] [NAME]…
 *
 * `--write` puts what they printed into docs/performance.md, where it has a place for it (measured.ts): on an idle
 * machine, and read the difference before you commit it.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { withMeasured } from "./measured.ts";

type Bench = { name: string; argv: string[]; lacking?: () => string | undefined };

const benches: readonly Bench[] = [
  { name: "first ping across racks", argv: ["bench.ts"] },
  { name: "speakers side by side", argv: ["speaker/bench.ts"] },
  { name: "fuzz", argv: ["fuzz.ts"] },
  { name: "scenarios", argv: ["scenario.ts"] },
  { name: "word of a change by BMP", argv: ["bmp.ts"] },
  { name: "exploration", argv: ["simulate.ts"] },
  { name: "services", argv: ["services.ts"] },
  { name: "fabrics in virtual time", argv: ["simulate-scale.ts"] },
  { name: "routers on Docker", argv: ["docker-routers.ts"] },
  { name: "on kind", argv: ["kind.ts"], lacking: kindLacks },
];

const folder = new URL(".", import.meta.url).pathname;
const pageFile = path.join(folder, "../docs/performance.md");
const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } },
});
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  const names = benches.map(({ name }) => name).join(", ");
  process.stderr.write(`no such bench: ${unknown.join(", ")}; there are ${names}\n`);
  process.exit(2);
}

const outcomes: string[] = [];
for (const { name, argv, lacking } of benches) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n== ${name}\n`);
  const reason = lacking?.();
  if (reason !== undefined) {
    outcomes.push(`${name}: not measured, ${reason}`);
    continue;
  }
  const [file = "", ...args] = argv;
  const { ended, printed } = await run([path.join(folder, file), ...args]);
  outcomes.push(`${name}: ${ended === "status 0" ? "kept" : `FAILED, ${ended}`}`);
  if (ended !== "status 0") process.exitCode = 1;
  const page = flags.write && withMeasured(readFileSync(pageFile, "utf8"), name, printed);
  // At once: what is measured after it may fail.
  if (page) writeFileSync(pageFile, page);
}
console.log(`\n${outcomes.join("\n")}`);

/** To its end. What it prints is seen meanwhile. */
function run(argv: string[]): Promise<{ ended: string; printed: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { stdio: ["inherit", "pipe", "inherit"] });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      process.stdout.write(text);
    });
    child.on("error", reject);
    child.on("close", (status, signal) => {
      resolve({ ended: signal ?? `status ${status}`, printed });
    });
  });
}

function kindLacks(): string | undefined {
  const answers = (file: string) => spawnSync(file, ["version"], { stdio: "ignore" }).status === 0;
  if (!answers("kind")) return "there is no kind on PATH";
  return answers("docker") ? undefined : "no Docker engine answers";
}
