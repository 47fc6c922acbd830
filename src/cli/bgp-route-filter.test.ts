import { expect, test } from "vitest";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { isSelected, routeFilter } from "./bgp-route-filter.ts";

const route = {
  prefix: prefix("10.1.3.0/24"),
  localAsn: 65001,
  peerAddress: address("10.0.0.1"),
};

test.each([
  [["ipv4", "unicast"], true],
  [["ipv6", "unicast"], false],
  [["ipv4", "unicast", "peer", "10.0.0.1"], true],
  [["ipv4", "unicast", "10.0.0.9", "10.0.0.1"], true],
  [["peer", "10.0.0.9"], false],
  [["vrouter", "65001"], true],
  [["vrouter", "65002"], false],
])("filter %j", (words, matches) => {
  const filter = routeFilter(words);
  expect(typeof filter === "object" && isSelected(route, filter)).toBe(matches);
});

test("words that nobody knows are told", () => {
  expect(routeFilter(["ipv4", "multicast"])).toBe("unknown SAFI multicast");
  expect(routeFilter(["peer"])).toBe("peer what?");
  expect(routeFilter(["tor0"])).toBe("unknown word tor0");
});
