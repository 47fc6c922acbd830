import { describe, expect, it } from "vitest";
import { outOfBand, stateDifferences } from "./compare.ts";
import { faults } from "./page.ts";
import type { LabStates } from "./state.ts";

const differ = (sim: string[], real: string[]) => stateDifferences({ tor0: sim }, { tor0: real });

it("finds a line that one side has not, and as often as it is missing", () => {
  const route = '10.0.0.0/24 spine0 "65000" IGP used';
  expect(differ([route], [route])).toEqual([]);
  expect(differ([route], [route, route])).toEqual([{ node: "tor0", real: route }]);
  expect(differ([route], [])).toEqual([{ node: "tor0", sim: route }]);
  expect(stateDifferences({}, { tor0: [route] })).toEqual([{ node: "tor0", real: route }]);
});

it("puts beside each other what is about the same", () => {
  const [up, down] = ["session ipv4-unicast net0 AS 65000 3/4", "session ipv4-unicast net0 down"];
  expect(differ([up], [down])).toEqual([{ node: "tor0", sim: up, real: down }]);
});

describe("what explains a difference", () => {
  const why = (sim: LabStates, real: LabStates) => {
    const found = stateDifferences(sim, real);
    expect(found).not.toEqual([]);
    return new Set(found.map((one) => one.why?.split(/[ ,]/).slice(0, 3).join(" ")));
  };
  const path = (hop: string, of: string) =>
    `10.0.0.0/24 ${hop} "${of}" IGP local preference undefined MED undefined communities []`;
  const [a, b] = [path("a", "65001 65100"), path("b", "65002 65100")];

  it("FRR's kernel has fewer next hops than its table uses, and no other way round", () => {
    const table = [`${a} best`, `${b} multipath`];
    const [both, one] = ["kernel 10.0.0.0/24 a,b", "kernel 10.0.0.0/24 a"];
    expect(why({ r: [...table, both] }, { r: [...table, one] })).toEqual(
      new Set(["FRR 8.4 gives"]),
    );
    expect(why({ r: [...table, one] }, { r: [...table, both] })).toEqual(new Set([undefined]));
    expect(why({ r: [...table, both] }, { r: [...table, "kernel 10.0.0.0/24 c"] })).toEqual(
      new Set([undefined]),
    );
    expect(why({ r: [`${a} best`, both] }, { r: [`${a} best`, one] })).toEqual(
      new Set([undefined]),
    );
  });

  it("a way parts where the kernels have both", () => {
    const way = (hop: string) => [`path x → y: r, ${hop}, 10.0.0.2`];
    const kernel = ["kernel 0.0.0.0/0 c", "kernel 10.0.0.0/24 a,b"];
    expect(why({ r: kernel, pods: way("a") }, { r: kernel, pods: way("b") })).toEqual(
      new Set(["of equal ways"]),
    );
    expect(why({ r: kernel, pods: way("a") }, { r: kernel, pods: way("c") })).toEqual(
      new Set([undefined]),
    );
    expect(why({ pods: way("a") }, { pods: way("a, b") })).toEqual(new Set([undefined]));
  });

  it("another of two external paths came first, and nothing but that speaks for it", () => {
    expect(why({ r: [`${a} best`, b] }, { r: [a, `${b} best`] })).toEqual(
      new Set(["of external paths"]),
    );
    const longer = path("b", "65002 65003 65100");
    expect(why({ r: [`${a} best`, longer] }, { r: [a, `${longer} best`] })).toEqual(
      new Set([undefined]),
    );
    const internal = (line: string) => line.replace("preference undefined", "preference 100");
    expect(
      why({ r: [internal(`${a} best`), internal(b)] }, { r: [internal(a), internal(`${b} best`)] }),
    ).toEqual(new Set([undefined]));
    // A policy of the router gives what it learns a local preference.
    const from = (asn: number) => [
      `session ipv4-unicast net0 (a) AS ${asn} 1/1`,
      `session ipv4-unicast net1 (b) AS ${asn + 1} 1/1`,
    ];
    const chosen = (asn: number) =>
      why(
        { r: [internal(`${a} best`), internal(b), ...from(asn)] },
        { r: [internal(a), internal(`${b} best`), ...from(asn)] },
      );
    expect(chosen(65001)).toEqual(new Set(["of external paths"]));
    expect(chosen(65100)).toEqual(new Set([undefined]));
  });

  it("one of equal paths is passed on, and the neighbor counts it", () => {
    const s = [`${a} best`, `${b} multipath`];
    const other = [`${a} multipath`, `${b} best`];
    const passedOn = path("s", "65000 65002 65100");
    const count = (received: number) => `session ipv4-unicast net0 (s) AS 65000 ${received}/9`;
    const equal = new Set(["of several equal"]);
    const left = (sim: LabStates, real: LabStates) => why({ s, ...sim }, { s: other, ...real });
    const first = "of external paths";
    expect(left({ t: [passedOn, count(5)] }, { t: [count(4)] })).toEqual(
      new Set([first, ...equal]),
    );
    expect(left({ t: [count(4)] }, { t: [passedOn, count(5)] })).toEqual(
      new Set([first, ...equal]),
    );
    const another = path("s", "65000 65001 65100");
    expect(left({ t: [passedOn] }, { t: [another] })).toEqual(new Set([first, ...equal]));
    // More of them than that, one that the router has not, one that is not equal, or not on both sides.
    expect(left({ t: [passedOn, count(5)] }, { t: [count(3)] })).toContain(undefined);
    expect(left({ t: [path("s", "65000 65009")] }, { t: [] })).toContain(undefined);
    expect(why({ s: [`${b} best`], t: [passedOn] }, { s: [`${b} best`], t: [] })).toContain(
      undefined,
    );
    expect(why({ s, t: [passedOn] }, { s: [`${a} best`], t: [] })).toContain(undefined);
  });

  it("what follows from who came first: the kernel's route, what is passed on and how much, and ways", () => {
    const attributes = "IGP local preference undefined MED undefined communities []";
    const side = (first: "a" | "b"): LabStates => ({
      spine: [
        ...[a, b].map((line) => (line.includes(` ${first} `) ? `${line} best` : line)),
        `kernel 10.0.0.0/24 ${first}`,
      ],
      // Who sent the path that the spine passes on finds its own AS in it.
      a: [
        ...(first === "b" ? [`10.0.0.0/24 spine "65000 65002 65100" ${attributes}`] : []),
        `session ipv4-unicast net0 (spine) AS 65000 ${first === "b" ? 8 : 7}/2`,
      ],
      pods: [`path x → y: spine, ${first}, 10.0.0.2`],
    });
    const [sim, real] = [side("a"), side("b")];
    expect(stateDifferences(sim, real).filter((one) => one.why === undefined)).toEqual([]);
    const unexplained = (node: string, lines: string[]) =>
      stateDifferences(sim, { ...real, [node]: lines }).filter((one) => one.why === undefined);
    expect(
      unexplained("spine", [...real["spine"]!.slice(0, 2), "kernel 10.0.0.0/24 c"]),
    ).not.toEqual([]);
    expect(
      unexplained("a", [real["a"]![0]!, "session ipv4-unicast net0 (spine) AS 65000 9/2"]),
    ).not.toEqual([]);
    expect(
      unexplained("a", [real["a"]![0]!.replace("65002", "65003"), real["a"]![1]!]),
    ).not.toEqual([]);
    expect(unexplained("pods", ["path x → y: spine, c, 10.0.0.2"])).not.toEqual([]);
  });

  it("a session is up at one end only", () => {
    const end = (node: string, state: string) => `session ipv4-unicast 10.0.0.1 (${node}) ${state}`;
    const router = [end("w", "down")];
    const sim = { w: [end("r", "down")], r: router };
    const up = end("r", "AS 65010 0/1");
    expect(why(sim, { w: [up], r: router })).toEqual(new Set(["a node's first"]));
    expect(why(sim, { w: [end("r", "AS 65010 3/1")], r: router })).toEqual(new Set([undefined]));
    expect(why(sim, { w: [up], r: [end("w", "AS 65001 1/0")] })).toEqual(new Set([undefined]));
    expect(why({ w: [up], r: router }, sim)).toEqual(new Set([undefined]));
  });

  it("not that a ping is lost", () => {
    expect(why({ pods: ["ping x → y lost"] }, { pods: ["ping x → y answered"] })).toEqual(
      new Set([undefined]),
    );
  });
});

it("the band goes both ways", () => {
  expect(outOfBand({}, { convergeMs: 300, outageMs: 301 })).toEqual(["outageMs"]);
  expect(outOfBand({ convergeMs: 2_300 }, { convergeMs: 1_000 })).toEqual([]);
  expect(outOfBand({ convergeMs: 2_301 }, { convergeMs: 1_000 })).toEqual(["convergeMs"]);
});

it("what is not as it has to be is told", () => {
  const good = {
    ...{ lab: "l", sim: "pass", real: "pass", steps: 1, linesCompared: 1, runs: 1 },
    failures: [],
    differences: [{ step: "s", node: "n", sim: "x", why: "known" }],
    times: [{ step: "s", sim: { convergeMs: 100 }, real: { convergeMs: 120 } }],
  };
  expect(faults(good)).toEqual([]);
  expect(faults({ ...good, real: "fail" })).toHaveLength(1);
  expect(faults({ ...good, differences: [{ step: "s", node: "n", sim: "x" }] })).toHaveLength(1);
  const late = { step: "s", sim: {}, real: { convergeMs: 5_000 } };
  expect(faults({ ...good, times: [late] })).toHaveLength(1);
});
