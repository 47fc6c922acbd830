import { expect, test } from "vitest";
import { differences } from "../fidelity/compare.ts";
import { type Played, played } from "../fidelity/play.ts";

const limitMs = 240_000;

/** Configuration that only a simulated tor0 has: it tells its spines a MED. */
const meddling = {
  unnumbered: [
    ...["route-map ODD permit 10", "set metric 7", "exit", "router bgp 65101"],
    ...["address-family ipv4 unicast", "neighbor net0 route-map ODD out", "exit"],
    ...["address-family ipv6 unicast", "neighbor net0 route-map ODD out"],
  ],
  "leaf-spine": ["route-map TO-SPINES permit 10", "set metric 7"],
};

// `make fidelity` compares every lab, and its times, and writes docs/fidelity.md. These two have IPv4 and IPv6, several
// ways to a place, a restarted bgpd and a power cut.
test.each(Object.entries(meddling))(
  "%s is in virtual time as it is on real FRR, after each step: sessions, tables, kernel routes, pings and ways",
  async (name, lines) => {
    const real = await played(name, { kind: "netns" });
    const sim = await played(name, { kind: "sim" }, { lastedMs: real.lastedMs });
    expect([...real.failures, ...sim.failures]).toEqual([]);
    expect(linesOf(real)).toBeGreaterThan(500);
    expect(unexplained(sim, real)).toEqual([]);

    const vtysh = ["vtysh", ...["conf t", ...lines].flatMap((line) => ["-c", line])];
    const other = await played(
      name,
      { kind: "sim" },
      {
        stepsMost: 1,
        async meddle(lab) {
          expect(await lab.runtime.exec({ node: "tor0" }, vtysh)).toMatchObject({ exitCode: 0 });
        },
      },
    );
    const [first] = real.states;
    expect(unexplained(other, { ...real, states: new Map([first!]) })).not.toEqual([]);
  },
  limitMs,
);

function unexplained(sim: Played, real: Played) {
  return differences(sim, real).filter(({ why }) => why === undefined);
}

function linesOf({ states }: Played): number {
  return [...states.values()].flatMap((state) => Object.values(state)).flat().length;
}
