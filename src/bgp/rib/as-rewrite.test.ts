import { expect, it } from "vitest";
import type { AsPathSegment } from "../wire/message.ts";
import { asPathText } from "./as-path.ts";
import { type AsRewrite, rewrittenAsPath } from "./as-rewrite.ts";

const rewrite = (asns: readonly number[], by: Partial<AsRewrite>) =>
  asPathText(
    rewrittenAsPath([{ kind: "sequence", asns: [...asns] }], {
      ...{ removePrivateAs: undefined, asOverride: false, localAsn: 100, peerAsn: 64_520 },
      ...by,
    }),
  );

const mixed = [64_512, 3_000, 64_513, 200, 64_520, 23_456, 65_535, 4_200_000_000];

// As FRR 8.4.4 was seen to send them to a peer of AS 64520.
it.each([
  [{}, "64512 3000 64513 200 64520 23456 65535 4200000000", ""],
  [{ replaceAs: true }, "64512 3000 64513 200 64520 23456 65535 4200000000", "100 100 64520"],
  [{ all: true }, "3000 200 64520 23456", ""],
  [{ all: true, replaceAs: true }, "100 3000 100 200 64520 23456 100 100", "100 100 64520"],
] as const)("removes private AS numbers: %j", (removePrivateAs, ofMixed, ofPrivate) => {
  expect(rewrite(mixed, { removePrivateAs })).toBe(ofMixed);
  expect(rewrite([64_512, 64_512, 64_520], { removePrivateAs })).toBe(ofPrivate);
});

it("puts our AS number in the place of the peer's, and leaves others", () => {
  expect(rewrite(mixed, { asOverride: true })).toBe(
    "64512 3000 64513 200 100 23456 65535 4200000000",
  );
});

it("leaves a path alone that has nothing to be rewritten, an empty one too", () => {
  const path: AsPathSegment[] = [{ kind: "sequence", asns: [1, 2] }];
  const by = {
    removePrivateAs: { all: true },
    asOverride: true,
    localAsn: 100,
    peerAsn: 3,
  } as const;
  expect(rewrittenAsPath(path, by)).toBe(path);
  expect(rewrittenAsPath([], { ...by, removePrivateAs: { replaceAs: true } })).toEqual([]);
});
