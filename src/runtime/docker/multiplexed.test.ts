import fc from "fast-check";
import { expect, test } from "vitest";
import { Demultiplexer } from "./multiplexed.ts";

const frame = (stream: number, text: string) => {
  const bytes = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
};

function demultiplex(pieces: readonly Buffer[]) {
  const output = { stdout: "", stderr: "" };
  const demultiplexer = new Demultiplexer((name, bytes) => (output[name] += bytes.toString()));
  for (const piece of pieces) demultiplexer.push(piece);
  return output;
}

test("a frame of each output", () => {
  const bytes = Buffer.from("01000000000000036f75740200000000000003657272", "hex");
  expect(demultiplex([bytes])).toEqual({ stdout: "out", stderr: "err" });
});

test("any frames cut into any pieces come out whole", () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string({ unit: "grapheme-ascii" })));
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 })), (sent, cuts) => {
      let rest = Buffer.concat(sent.map(([stream, text]) => frame(stream, text)));
      const pieces: Buffer[] = [];
      for (const cut of cuts) {
        pieces.push(rest.subarray(0, cut));
        rest = rest.subarray(cut);
      }
      const of = (wanted: number) =>
        sent.flatMap(([stream, text]) => (stream === wanted ? text : [])).join("");
      expect(demultiplex([...pieces, rest])).toEqual({ stdout: of(1), stderr: of(2) });
    }),
  );
});

test("what is no such stream is refused", () => {
  expect(() => demultiplex([Buffer.from("plain text of a terminal")])).toThrow(
    "not a multiplexed stream: it begins with 706c61696e207465",
  );
});
