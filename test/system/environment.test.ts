import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { finished, repository, traces } from "./spinelab.ts";

/** Machines that cannot do what is asked: status 3, what is missing and what to do about it. */
const folder = mkdtempSync(join(tmpdir(), "spinelab-environment-"));
afterAll(() => rmSync(folder, { recursive: true }));

const launcher = join(repository, "bin/spinelab.mjs");
const lab = `environment-${process.pid}`;
const run = [process.execPath, launcher, "run", "rack-spine", "--name", lab, "--report", folder];

function command(argv: string[], env: Record<string, string> = {}) {
  return finished(
    spawn(argv[0]!, argv.slice(1), { cwd: repository, env: { ...process.env, ...env } }),
  );
}

test("not root", async () => {
  // Nobody in a user namespace of its own, who can still read a checkout in root's home.
  const { status, stderr } = await command(["unshare", "--user", ...run]);
  expect(stderr).toMatch(/root/);
  expect(stderr).toContain("what to do: run it with sudo");
  expect(status).toBe(3);
});

test("FRR missing", async () => {
  const hidden = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount -t tmpfs none /usr/lib/frr && exec "$@"',
    "sh",
  ];
  const { status, stderr } = await command([...hidden, ...run]);
  expect(stderr).toMatch(/FRR \(\/usr\/lib\/frr\/bgpd\)/);
  expect(stderr).toContain("what to do: make setup");
  expect(status).toBe(3);
  expect(traces(lab)["state"]).toEqual([""]);
});

test("a command missing is named with the rest", async () => {
  const hide =
    'mount --bind /dev/null /usr/sbin/nft && mount --bind /dev/null /usr/bin/nsenter && exec "$@"';
  const { status, stderr } = await command(["unshare", "--mount", "sh", "-c", hide, "sh", ...run]);
  expect(stderr).toMatch(/command nft.*command nsenter/);
  expect(status).toBe(3);
});

test("a disk that fills up fails the run; everything is taken down", async () => {
  // The timeline goes to the state folder: one of 64 KiB is full before the scenario is over.
  const small = join(folder, "state");
  mkdirSync(small);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", small]);
  try {
    const before = traces(lab);
    const { status, stdout } = await command(run, { SPINELAB_STATE: small });
    expect(stdout).toMatch(/cannot write the timeline|no space left/i);
    expect(status).toBe(1);
    expect(traces(lab)).toEqual(before);
    expect(readFileSync("/proc/mounts", "utf8")).not.toContain(`${small}/`);
  } finally {
    execFileSync("umount", [small]);
  }
});
