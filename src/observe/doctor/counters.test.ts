import { expect, test } from "vitest";
import { parseMd5Counters } from "./knock.ts";
import { neighborEntries } from "./machine.ts";

test("counters of /proc/net/netstat, by name", () => {
  const netstat = [
    "TcpExt: SyncookiesSent TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure",
    "TcpExt: 7 3 0 12",
    "IpExt: InNoRoutes TCPMD5NotFound",
    "IpExt: 9 9",
    "",
  ].join("\n");
  expect(parseMd5Counters(netstat)).toEqual({ notFound: 3, unexpected: 0, failure: 12 });
  expect(parseMd5Counters("")).toEqual({ notFound: 0, unexpected: 0, failure: 0 });
});

test("entries of /proc/net/stat/arp_cache are hexadecimal, and every row tells the same", () => {
  expect(neighborEntries("entries  allocs\n0000041f 00003282\n0000041f 000033de\n")).toBe(1055);
  expect(neighborEntries("")).toBeUndefined();
});
