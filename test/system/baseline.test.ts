import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spinelab, succeed, until } from "./spinelab.ts";

/** What is seen is recorded, played back, and compared. */
const lab = `baseline-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-baseline-"));
const file = join(folder, "baseline.yaml");
const reports = join(folder, lab);
const play = () => spinelab("play", lab, file, "--report", folder);

beforeAll(async () => {
  await succeed("up", "rack-spine", "--name", lab);
  await until("every route at every node", async () => {
    const text = await succeed("inspect", lab);
    const agents = text.match(/^kind-\S+ +tor\d .*Established +11 +1 /gm)?.length;
    return agents === 4 && text.match(/^router0 +tor\d .*Established +5 +13 /gm)?.length === 2;
  });
});

afterAll(async () => {
  await spinelab("down", lab);
  rmSync(folder, { recursive: true });
});

test("what is recorded is whole, valid, and green when played back", async () => {
  expect(await succeed("record", lab, "--out", file)).toMatch(/\d\d checks/);
  const text = readFileSync(file, "utf8");
  expect(text).toContain("- session: { on: router0, to: tor1, received: 5, sent: 13 }");
  expect(text).toContain(
    '- route: { on: router0, prefix: kind-worker3.podCIDR, via: tor1, asPath: "65011" }',
  );
  expect(text).toContain(
    "- path: { from: netshoot@kind-worker, to: netshoot@kind-worker3, through: [ tor0, router0, tor1 ] }",
  );
  expect((await spinelab("validate", file)).status).toBe(0);
  const played = await play();
  expect(played.stdout).toContain("PASSED");
  expect(played).toMatchObject({ status: 0 });
});

test("diff: nothing since then; a cut link is a difference, named at every node", async () => {
  expect(await spinelab("diff", reports, lab)).toMatchObject({
    status: 0,
    stdout: "nothing differs\n",
  });
  await succeed("link", "tor1:net2", "down", "--lab", lab);
  const changed = await until("the difference", async () => {
    const { status, stdout } = await spinelab("diff", reports, lab);
    return status === 1 && /^ {2}- bgp +10\.1\.3\.0\/24 +via tor1, best/m.test(stdout) && stdout;
  });
  expect(changed).toMatch(/^router0$/m);
  const { changes } = JSON.parse((await spinelab("diff", reports, lab, "--json")).stdout);
  expect(changes).toContainEqual({
    node: "router0",
    table: "rib",
    key: "10.1.3.0/24",
    before: "via tor1, best, AS path 65011",
  });

  // The baseline tells it as failed checks.
  writeFileSync(file, readFileSync(file, "utf8").replaceAll("within: 30s", "within: 100ms"));
  const played = await play();
  expect(played.status).toBe(1);
  expect(played.stdout).toMatch(/✗ route kind-worker3\.podCIDR on router0 via tor1/);
});

test("diff of two moments of one run names what the step between them did", async () => {
  const scenario = join(folder, "cut.yaml");
  writeFileSync(
    scenario,
    `name: cut
steps:
  - name: mended
    do: [ { link: { on: "tor1:net2", set: up } } ]
    within: 20s
    expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, via: tor1 } } ]
  - name: cut
    do: [ { link: { on: "tor1:net2", set: down } } ]
    within: 20s
    expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, absent: true } } ]
`,
  );
  await succeed("play", lab, scenario, "--report", folder);
  const mended = await spinelab("diff", reports, "--from", "start", "--to", "1");
  expect(mended.stdout).toMatch(/\+ bgp +10\.1\.3\.0\/24 +via tor1/);
  expect((await spinelab("diff", reports, "--from", "1", "--to", "2")).stdout).toMatch(
    /- bgp +10\.1\.3\.0\/24 +via tor1/,
  );
  expect(await spinelab("diff", reports, "--to", "soon")).toMatchObject({ status: 2 });
});
