// RFC 6793 §4.2.3, the merge of AS_PATH and AS4_PATH.
import { expect, it } from "vitest";
import { mergeAs4Path } from "./as-path.ts";
import type { AsPathSegment } from "./message.ts";

const sequence = (...asns: number[]): AsPathSegment => ({ kind: "sequence", asns });
const set = (...asns: number[]): AsPathSegment => ({ kind: "set", asns });
const confed = (...asns: number[]): AsPathSegment => ({ kind: "confedSequence", asns });

it.each([
  ["the same length", [sequence(1, 23456)], [sequence(1, 70000)], [sequence(1, 70000)]],
  [
    "AS numbers put in front since",
    [sequence(5, 6, 23456)],
    [sequence(70000)],
    [sequence(5, 6, 70000)],
  ],
  ["AS4_PATH longer: ignored", [sequence(1)], [sequence(70000, 70001)], [sequence(1)]],
  ["a set counts one", [sequence(5), set(1, 2)], [sequence(70000)], [sequence(5, 70000)]],
  [
    "a set in front stays",
    [set(1, 2), sequence(23456)],
    [sequence(70000)],
    [set(1, 2), sequence(70000)],
  ],
  [
    "confederations in front stay",
    [confed(9), sequence(23456)],
    [sequence(70000)],
    [confed(9), sequence(70000)],
  ],
  [
    "confederations in AS4_PATH go",
    [sequence(23456)],
    [confed(9), sequence(70000)],
    [sequence(70000)],
  ],
  ["AS4_PATH empty", [sequence(1, 2)], [], [sequence(1, 2)]],
])("%s", (_name, asPath, as4Path, merged) => {
  expect(mergeAs4Path(asPath, as4Path)).toEqual(merged);
});
