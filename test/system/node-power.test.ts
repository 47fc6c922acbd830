import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownLab } from "./own-lab.ts";
import { spinelab, succeed } from "./spinelab.ts";

const own = ownLab("power");

async function play(steps: string): Promise<{ status: number; stdout: string }> {
  const file = join(own.folder, "scenario.yaml");
  writeFileSync(file, `name: power\nsteps:\n${steps}`);
  return await spinelab("play", own.name, file, "--report", join(own.folder, "reports"));
}

test("a node that the lab leaves out joins when the scenario starts it", async () => {
  const { file } = own;
  writeFileSync(file, `${readFileSync(file, "utf8")}stopped: [srv-worker3]\n`);
  await succeed("up", file, "--name", own.name);
  const { status, stdout } = await play(`
  - name: it is not there
    expect:
      - resource: { kind: Node, name: kind-worker3, absent: true }
      - route: { on: tor1, prefix: 10.1.3.0/24, absent: true }
  - name: it joins
    do: [ { node: { on: kind-worker3, do: start } } ]
    within: 30s
    expect:
      - condition: { kind: Node, name: kind-worker3, type: Ready }
      - session: { on: tor1, to: kind-worker3, received: 1, sent: 11 }
      - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3 }
`);
  expect({ status, stdout }).toMatchObject({ status: 0 });
});

test("a start of a node that is up fails the step", async () => {
  await succeed("up", own.file, "--name", own.name);
  const twice = await play("  - { name: one, do: [ { node: { on: tor1, do: start } } ] }\n");
  expect(twice.status).toBe(1);
  expect(twice.stdout).toContain("node tor1 is up");
});

test.each(["netns", "sim"])(
  "%s: of a stopped node everything says that it is not up",
  async (runtime) => {
    await succeed("up", own.file, "--name", own.name, "--runtime", runtime);
    const stopped = await play(
      "  - { name: one, do: [ { node: { on: tor1, do: stop } } ], expect: [ { exec: { on: tor1, command: ip link } } ] }\n",
    );
    expect(stopped.status).toBe(3);
    expect(stopped.stdout).toContain("node tor1 is not up");
    const seen = await succeed("inspect", own.name);
    expect(seen).toMatch(/^router0:net1 +tor1:net0 +down$/m);
    expect(seen).toMatch(/^NO ANSWER\s+tor1 +node tor1 is not up$/m);
    for (const [verb, ...words] of [
      ["exec", "tor1", "--", "ip", "link"],
      ["logs", "tor1"],
    ]) {
      const said = await spinelab(verb!, "--lab", own.name, ...words);
      expect({ verb, ...said }).toMatchObject({ status: 1, stderr: "node tor1 is not up\n" });
    }
  },
);

test("a daemon that a scenario ends is no failure of the lab, and comes back with its configuration", async () => {
  await succeed("up", own.file, "--name", own.name);
  const { status, stdout } = await play(`
  - name: bgpd is killed
    do: [ { daemon: { on: tor1, daemon: bgpd, do: kill } } ]
    within: 10s
    expect:
      - route: { on: router0, prefix: kind-worker3.podCIDR, absent: true }
  - name: and started
    do: [ { daemon: { on: tor1, daemon: bgpd, do: start } } ]
    within: 30s
    expect:
      - session: { on: router0, to: tor1, received: 5, sent: 13 }
      - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3 }
`);
  expect({ status, stdout }).toMatchObject({ status: 0 });
});
