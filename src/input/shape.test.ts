import { expect, test } from "vitest";
import type { Diagnostic } from "./diagnostic.ts";
import { shown } from "./files.testkit.ts";
import {
  boolean,
  integer,
  list,
  located,
  object,
  oneOf,
  oneOrMore,
  optional,
  readShape,
  record,
  type Shape,
  text,
} from "./shape.ts";
import { parseYaml } from "./yaml-file.ts";

function read<T>(shape: Shape<T>, yaml: string): { value: T | undefined; mistakes: string[] } {
  const parsed = parseYaml(yaml, "f.yaml");
  if ("diagnostics" in parsed) throw new Error(shown(parsed).join("\n"));
  const diagnostics: Diagnostic[] = [];
  const value = readShape(shape, parsed.documents[0]!, diagnostics);
  return { value, mistakes: shown({ diagnostics }) };
}

const person = object(
  {
    name: text(),
    age: optional(integer(0, 150)),
    likes: optional(oneOrMore(oneOf(["tea", "coffee"]))),
    pets: optional(record(list(text()))),
    tall: optional(boolean),
  },
  "a person",
);

test("a value of all shapes", () => {
  expect(
    read(person, "name: 0123\nage: 7\nlikes: tea\npets: {cat: [no, 1]}\ntall: true\n").value,
  ).toEqual({ name: "0123", age: 7, likes: ["tea"], pets: { cat: ["no", "1"] }, tall: true });
});

test("every mistake at once, each with its line; what is right is kept", () => {
  const { value, mistakes } = read(
    person,
    "name: a\nagee: 7\nage: x\nlikes:\n  - tea\n  - cofee\n  - [tea]\npets:\n  cat: y\ntall: yes\n",
  );
  expect(mistakes).toEqual([
    "f.yaml:2: UnknownField agee: a person has no field 'agee'\n  hint: did you mean 'age'?",
    "f.yaml:3: BadValue age: expected a whole number from 0 to 150, not 'x'",
    "f.yaml:6: BadValue likes[1]: expected one of tea, coffee, not 'cofee'\n  hint: did you mean 'coffee'?",
    "f.yaml:7: WrongType likes[2]: expected one of tea, coffee, not a list",
    "f.yaml:9: WrongType pets.cat: expected a list, not 'y'\n  hint: begin each item with `- ` on a line of its own",
    "f.yaml:10: BadValue tall: expected true or false, not 'yes'",
  ]);
  expect(value).toEqual({ name: "a", likes: ["tea"], pets: {} });
});

test("a field that is needed and missing, or empty", () => {
  expect(read(person, "age: 1\n").mistakes).toEqual([
    "f.yaml:1: MissingField: a person needs 'name'",
  ]);
  expect(read(person, "age: 1\nname:\n").mistakes).toEqual([
    "f.yaml:2: MissingField: a person needs 'name'",
  ]);
  expect(read(person, "name: x\nage:\n")).toEqual({ value: { name: "x" }, mistakes: [] });
});

test("something else than a mapping", () => {
  expect(read(person, "- a\n").mistakes).toEqual([
    "f.yaml:1: WrongType: expected a person with the fields name, age, likes, pets, tall, not a list",
  ]);
});

test.each(["-1", "151", "1.5", "0x10", "''"])("%s is no whole number from 0 to 150", (written) => {
  expect(read(object({ age: integer(0, 150) }), `age: ${written}`).mistakes).toHaveLength(1);
});

test("a located value says where it is", () => {
  const { value } = read(object({ a: list(located(text())) }), "a:\n  - x\n  - y\n");
  expect(value?.a[1]).toEqual({ value: "y", at: { file: "f.yaml", line: 3, path: "a[1]" } });
});
