import { beforeEach, expect, test } from "vitest";
import { FakeLab } from "../testing/fake-lab.ts";
import { eventOf } from "../testing/read-scenario.ts";
import { runEvent } from "./table.ts";

let lab: FakeLab;

beforeEach(() => {
  lab = new FakeLab();
  const pidFile = "/run/frr/bgpd.pid";
  for (const command of [
    "vtysh -c write memory",
    "/usr/lib/frr/watchfrr.sh stop bgpd",
    "/usr/lib/frr/watchfrr.sh start bgpd",
    `rm -f ${pidFile}`,
    `mkdir ${pidFile}`,
    `sh -c [ ! -d ${pidFile} ] || rmdir ${pidFile}`,
    "sh -c [ ! -e /etc/frr/frr.conf ] || vtysh -b",
  ])
    lab.answer("tor0", command, "");
});

const act = (action: string) =>
  runEvent(lab.labContext, eventOf(`daemon: { on: tor0, daemon: bgpd, do: ${action} }`) as never);

test("a daemon that is to end is no failure of the lab", async () => {
  const undo = await act("stop");
  expect(lab.nodeActions).toEqual(["expect tor0 bgpd"]);
  await undo!();
  expect(lab.nodeActions).toEqual(["expect tor0 bgpd"]);
});

test("one that is to start is: where it ends later, unasked, the lab hears of it", async () => {
  const undo = await act("start");
  expect(lab.nodeActions).toEqual([]);
  await undo!();
  expect(lab.nodeActions).toEqual(["expect tor0 bgpd"]);
});
