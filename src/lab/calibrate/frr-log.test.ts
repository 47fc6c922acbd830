import { expect, it } from "vitest";
import { intervals, parseLog } from "./frr-log.ts";

// As FRR 8.4 writes it.
const log = `2026/11/21 10:38:08.593753 BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor 10.0.1.2(b) in vrf default Up
2026/11/21 10:38:08.593829 BGP: [M452J-37M96] 10.0.1.2(Unknown) Update Group Hash: sort: 2
and no line of it
2026/11/21 10:38:09.814435 BGP: [K9G3A-CJ5QQ] u1:s1 announcing routes upon coalesce timer expiry(1050 ms)
2026/11/21 10:38:19.152771 BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor 10.0.1.2(b) in vrf default Up
2026/11/21 10:38:19.152772 BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor 10.0.1.2(b) in vrf default Up
2026/11/21 10:38:20.214334 BGP: [K9G3A-CJ5QQ] u2:s2 announcing routes upon coalesce timer expiry(1050 ms)
2026/11/21 10:38:20.214335 BGP: [K9G3A-CJ5QQ] u2:s2 announcing routes upon coalesce timer expiry(1050 ms)`;

it("measures from one kind of lines to the next of another, to the microsecond", () => {
  const lines = parseLog(log);
  expect(lines).toHaveLength(7);
  const found = intervals(lines, / Up$/, /coalesce timer expiry/);
  expect(found.map((ms) => ms.toFixed(3))).toEqual(["1220.682", "1061.562"]);
});
