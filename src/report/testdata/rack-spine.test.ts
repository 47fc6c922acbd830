import { expect, test } from "vitest";
import { timelineRecord } from "../../timeline/schema.ts";
import * as timelines from "./rack-spine.ts";

test("the fixtures are timelines", () => {
  for (const make of Object.values(timelines)) {
    if (typeof make !== "function") continue;
    const records = make();
    expect(records.map((record) => timelineRecord.safeParse(record).error)).toEqual(
      records.map(() => undefined),
    );
    expect(records.map((record) => record.atMs)).toEqual(
      records.map((record) => record.atMs).toSorted((a, b) => a - b),
    );
  }
});
