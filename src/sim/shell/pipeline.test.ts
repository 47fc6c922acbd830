import { expect, it } from "vitest";
import { done } from "./ip.ts";
import { pipeline, type Shell } from "./pipeline.ts";

const lines = "neighbor 10.0.0.1 remote-as 65000\nneighbor R remote-as external\nexit\n";

function shell(): Shell & { ran: string[][]; started: string[][] } {
  const ran: string[][] = [];
  const started: string[][] = [];
  return {
    ...{ ran, started },
    run: async (argv) => {
      ran.push([...argv]);
      return { ...done, stdout: lines };
    },
    start: (argv) => started.push([...argv]),
  };
}

it.each([
  [`vtysh -c 'show running-config' | grep -c 'neighbor .* remote-as'`, 0, "2\n"],
  [`vtysh -c 'show running-config' | grep -c 'neighbor 10.9'`, 1, "0\n"],
  [
    `vtysh -c 'show running-config' 2>/dev/null | grep -E '(10|11)[.]0' | grep -v nobody`,
    0,
    `${lines.split("\n")[0]}\n`,
  ],
  [`vtysh -c 'show running-config' | grep '(10'`, 1, ""],
  [`vtysh -c 'show running-config' | grep -q exit`, 0, ""],
])("%s", async (script, exitCode, stdout) => {
  const place = shell();
  expect(await pipeline(script, place)).toMatchObject({ exitCode, stdout });
  expect(place.ran).toEqual([["vtysh", "-c", "show running-config"]]);
});

it("starts what goes on in the background, wherever its output goes", async () => {
  const place = shell();
  const script = `socat TCP4-LISTEN:80,fork EXEC:"sh /answer.sh" >/dev/null 2>&1 &`;
  expect(await pipeline(script, place)).toEqual(done);
  expect(place.started).toEqual([["socat", "TCP4-LISTEN:80,fork", "EXEC:sh /answer.sh"]]);
});

it.each([
  "a; b",
  "a && b",
  "a > file",
  "a $(b)",
  `a "$NAME"`,
  "a | sort",
  "a | grep -o x",
  "a | grep x file",
  "a &  b",
  "a 'open",
])("says that it does not know %s", async (script) => {
  expect(await pipeline(script, shell())).toBeUndefined();
});
