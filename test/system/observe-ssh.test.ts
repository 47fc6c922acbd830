import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sshd, startSshd } from "../docker/sshd.ts";
import { spinelab, succeed, until } from "./spinelab.ts";

/**
 * A router that the lab did not start, looked at over SSH: it stands in another lab, and a real sshd
 * on loopback is the only way this one has to it.
 */
const other = `observed-${process.pid}`;
const lab = `looking-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-observe-"));
let sshd: Sshd;
let pid: number;

const topology = `name: ${lab}
topology:
  nodes:
    host1: { kind: linux, image: "alpine:3" }
`;

const scenario = `name: looks
steps:
  - name: the router of another lab
    within: 5s
    expect:
      - session: { on: edge, to: 10.0.4.2, received: 1 }
      - route: { on: edge, prefix: 10.1.3.0/24, via: 10.0.4.2, asPath: "", installed: true }
      - fib: { on: edge, prefix: 10.1.3.0/24, dev: net2 }
      - exec: { on: edge, command: "sh -c 'echo $0 \\"it is\\"' quoted", stdout: quoted it is }
      - exec: { on: host1, command: uname -s, stdout: Linux }
`;

function writeLab(name: string, observe: Record<string, unknown>): string {
  const at = join(folder, name);
  mkdirSync(at);
  writeFileSync(join(at, "topology.clab.yaml"), topology);
  writeFileSync(join(at, "scenario.yaml"), scenario);
  const edge = {
    ssh: `root@127.0.0.1:${sshd.port}`,
    identity: join(sshd.home, ".ssh/id_ed25519"),
    knownHosts: join(sshd.home, ".ssh/known_hosts"),
    become: ["nsenter", "-t", String(pid), "-a"],
    ...observe,
  };
  writeFileSync(
    join(at, "lab.yaml"),
    `name: ${lab}
topology: topology.clab.yaml
scenario: scenario.yaml
observe:
  edge: ${JSON.stringify(edge)}
`,
  );
  return at;
}

const run = (at: string) => spinelab("run", at, "--report", folder);

beforeAll(async () => {
  sshd = await startSshd(folder, join(tmpdir(), "spinelab-sshd-cache"));
  await succeed("up", "rack-spine", "--name", other);
  await until("the route to look at", async () =>
    /^tor1 +kind-worker3 .*Established +1 +11 /m.test(await succeed("inspect", other)),
  );
  const { nodes } = JSON.parse(await succeed("inspect", other, "--json"));
  ({ pid } = nodes.find((node: { name: string }) => node.name === "tor1"));
});

afterAll(async () => {
  await spinelab("down", other);
  await sshd?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test("checks read its sessions, its tables and what commands print", async () => {
  const outcome = await run(writeLab("direct", {}));
  expect(outcome.stdout).toMatch(/session edge → 10\.0\.4\.2 Established/);
  expect(outcome).toMatchObject({ status: 0 });
});

test("through a jump host", async () => {
  const jump = `root@127.0.0.1:${sshd.port}`;
  expect(await run(writeLab("jump", { jump }))).toMatchObject({ status: 0 });
});

test("a host key that is not known is refused: inconclusive, with what to do", async () => {
  const at = writeLab("stranger", { knownHosts: "none" });
  const { status, stdout } = await run(at);
  expect(status).toBe(3);
  expect(stdout).toMatch(/refused: the host's key is not known; it shows SHA256:/);
});

test("a wrong key is inconclusive too; mistakes in the address are told with their line", async () => {
  const at = writeLab("locked-out", { identity: join(folder, "no-such-key") });
  const { status, stdout } = await run(at);
  expect(status).toBe(3);
  expect(stdout).toMatch(/not let in/);
  const wrong = await spinelab("validate", writeLab("wrong", { ssh: "root:secret@host" }));
  expect(wrong.status).toBe(2);
  expect(wrong.stdout).toMatch(
    /lab\.yaml:5: BadValue observe\.edge\.ssh: .*\n {2}hint: .*not passwords/,
  );
});
