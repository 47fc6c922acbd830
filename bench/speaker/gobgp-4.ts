import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

const version = "4.8.0";
const folder = new URL(`../../node_modules/.cache/gobgp-${version}`, import.meta.url).pathname;
const file = path.join(folder, "gobgpd");
const buildMsMax = 600_000;

/** GoBGP 4, which Debian does not have yet: built by Go, once. */
export const gobgp4 = {
  version,
  file,
  /** Why it cannot be had here, in one line; undefined: it is there. */
  lacking(): string | undefined {
    if (existsSync(file)) return undefined;
    try {
      execFileSync("go", ["version"], { stdio: "ignore" });
    } catch {
      return "there is no Go on PATH to build it";
    }
    process.stderr.write(`building GoBGP ${version}: a minute or two, once\n`);
    try {
      execFileSync("go", ["install", `github.com/osrg/gobgp/v4/cmd/gobgpd@v${version}`], {
        env: { ...process.env, GOBIN: folder },
        stdio: ["ignore", "ignore", "pipe"],
        timeout: buildMsMax,
      });
      return undefined;
    } catch (error) {
      const { stderr, message } = error as { stderr?: Buffer; message: string };
      process.stderr.write(`${stderr?.toString().trim() || message}\n`);
      // Into a page only that much: the rest names this machine's addresses.
      return "Go could not fetch or build it";
    }
  },
};
