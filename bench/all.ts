/**
 * `make bench`: every bench, one after the other. One that fails hides none of the others; the last lines say
 * which kept their limits. Ends with status 1 where one did not. Root.
 *
 *   node bench/all.ts [NAME]…
 */
import { spawnSync } from "node:child_process";
import path from "node:path";

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
const wanted = process.argv.slice(2);
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
  const { status, signal } = spawnSync(process.execPath, [path.join(folder, file), ...args], {
    stdio: "inherit",
  });
  outcomes.push(`${name}: ${status === 0 ? "kept" : `FAILED, ${signal ?? `status ${status}`}`}`);
  if (status !== 0) process.exitCode = 1;
}
console.log(`\n${outcomes.join("\n")}`);

function kindLacks(): string | undefined {
  const answers = (file: string) => spawnSync(file, ["version"], { stdio: "ignore" }).status === 0;
  if (!answers("kind")) return "there is no kind on PATH";
  return answers("docker") ? undefined : "no Docker engine answers";
}
