import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ApiError } from "./api-error.ts";
import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

describe("JSON merge patch", () => {
  // RFC 7386, Appendix A.
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j + %j = %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test("changes neither the target nor any prototype", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const before = JSON.stringify(target);
        mergePatch(target, patch);
        expect(JSON.stringify(target)).toBe(before);
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      }),
    );
    mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("JSON patch", () => {
  // RFC 6902, Appendix A.
  test.each([
    [{ foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { foo: "bar", baz: "qux" }],
    [{ foo: ["a", "b"] }, [{ op: "add", path: "/foo/1", value: "q" }], { foo: ["a", "q", "b"] }],
    [{ foo: ["a"] }, [{ op: "add", path: "/foo/-", value: ["b"] }], { foo: ["a", ["b"]] }],
    [{ a: 1, b: 2 }, [{ op: "remove", path: "/a" }], { b: 2 }],
    [{ a: [1, 2, 3] }, [{ op: "remove", path: "/a/1" }], { a: [1, 3] }],
    [{ a: 1 }, [{ op: "replace", path: "/a", value: 2 }], { a: 2 }],
    [{ a: { x: 1 }, b: {} }, [{ op: "move", from: "/a/x", path: "/b/y" }], { a: {}, b: { y: 1 } }],
    [{ a: [1, 2, 3] }, [{ op: "move", from: "/a/0", path: "/a/2" }], { a: [2, 3, 1] }],
    [{ a: 1 }, [{ op: "copy", from: "/a", path: "/b" }], { a: 1, b: 1 }],
    [{ "a/b": 1, "m~n": 2 }, [{ op: "test", path: "/a~1b", value: 1 }], { "a/b": 1, "m~n": 2 }],
    [{ "m~n": 2 }, [{ op: "remove", path: "/m~0n" }], {}],
  ])("%j with %j is %j", (target, patch, result) => {
    expect(jsonPatch(target, patch)).toEqual(result);
  });

  test.each([
    [[{ op: "test", path: "/a", value: 2 }]],
    [[{ op: "remove", path: "/nope" }]],
    [[{ op: "replace", path: "/nope", value: 1 }]],
    [[{ op: "add", path: "/list/9", value: 1 }]],
    [[{ op: "add", path: "/list/01", value: 1 }]],
    [[{ op: "add", path: "/a/b", value: 1 }]],
    [[{ op: "add", path: "a", value: 1 }]],
    [[{ op: "add", path: "/b" }]],
    [[{ op: "multiply", path: "/a" }]],
    [{ op: "add" }],
  ])("%j is refused and changes nothing", (patch) => {
    const target = { a: 1, list: [] };
    expect(() => jsonPatch(target, patch)).toThrow(ApiError);
    expect(target).toEqual({ a: 1, list: [] });
  });
});

describe("strategic merge patch", () => {
  const pod = {
    spec: {
      containers: [
        {
          name: "a",
          image: "a:1",
          ports: [{ containerPort: 80 }],
          env: [{ name: "X", value: "1" }],
        },
        { name: "b", image: "b:1" },
      ],
      tolerations: [{ key: "old" }],
    },
    metadata: { finalizers: ["x", "y"] },
    status: { conditions: [{ type: "Ready", status: "False" }] },
  };
  const containers = (patched: unknown) => (patched as typeof pod).spec.containers;

  test("containers, their env and their ports merge by key", () => {
    const patched = containers(
      strategicMergePatch(pod, {
        spec: {
          containers: [
            {
              name: "a",
              ports: [{ containerPort: 443 }],
              env: [
                { name: "X", value: "2" },
                { name: "Y", value: "3" },
              ],
            },
          ],
        },
      }),
    );
    expect(patched).toEqual([
      {
        name: "a",
        image: "a:1",
        ports: [{ containerPort: 80 }, { containerPort: 443 }],
        env: [
          { name: "X", value: "2" },
          { name: "Y", value: "3" },
        ],
      },
      { name: "b", image: "b:1" },
    ]);
  });

  test("$patch: delete, $patch: replace, $setElementOrder, $deleteFromPrimitiveList, $retainKeys", () => {
    const patch = (spec: object, more: object = {}) => strategicMergePatch(pod, { spec, ...more });
    expect(containers(patch({ containers: [{ name: "a", $patch: "delete" }] }))).toEqual([
      { name: "b", image: "b:1" },
    ]);
    expect(
      containers(patch({ containers: [{ $patch: "replace" }, { name: "c", image: "c:1" }] })),
    ).toEqual([{ name: "c", image: "c:1" }]);
    const order = [{ name: "b" }, { name: "a" }];
    expect(
      containers(patch({ "$setElementOrder/containers": order })).map((one) => one.name),
    ).toEqual(["b", "a"]);
    expect(
      strategicMergePatch(pod, { metadata: { "$deleteFromPrimitiveList/finalizers": ["x"] } }),
    ).toMatchObject({ metadata: { finalizers: ["y"] } });
    expect(
      strategicMergePatch(
        { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } },
        { strategy: { type: "Recreate", $retainKeys: ["type"] } },
      ),
    ).toEqual({ strategy: { type: "Recreate" } });
    expect(patch({ $patch: "replace", x: 1 })).toMatchObject({ spec: { x: 1 } });
    expect(
      (patch({ $patch: "delete" }) as object) && "spec" in (patch({ $patch: "delete" }) as object),
    ).toBe(false);
  });

  test("atomic lists are replaced, conditions merge by type, finalizers as a set", () => {
    const patched = strategicMergePatch(pod, {
      spec: { tolerations: [{ key: "new" }] },
      status: {
        conditions: [
          { type: "Ready", status: "True" },
          { type: "Other", status: "True" },
        ],
      },
      metadata: { finalizers: ["y", "z"] },
    });
    expect(patched).toMatchObject({
      spec: { tolerations: [{ key: "new" }] },
      status: {
        conditions: [
          { type: "Ready", status: "True" },
          { type: "Other", status: "True" },
        ],
      },
      metadata: { finalizers: ["x", "y", "z"] },
    });
  });

  test("service ports merge by port, endpoint addresses do not merge", () => {
    expect(
      strategicMergePatch(
        { spec: { ports: [{ port: 80, name: "http" }] }, subsets: [{ addresses: [{ ip: "a" }] }] },
        { spec: { ports: [{ port: 80, name: "web" }] }, subsets: [{ addresses: [{ ip: "b" }] }] },
      ),
    ).toEqual({
      spec: { ports: [{ port: 80, name: "web" }] },
      subsets: [{ addresses: [{ ip: "b" }] }],
    });
  });

  test("an item without its merge key is refused", () => {
    expect(() => strategicMergePatch(pod, { spec: { containers: [{ image: "x" }] } })).toThrow(
      /lacks its merge key name/,
    );
  });

  test("without lists it is a merge patch", () => {
    const values = fc.letrec((tie) => ({
      value: fc.oneof(fc.string(), fc.integer(), fc.constant(null), tie("object")),
      object: fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), tie("value"), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(values.object, values.object, (target, patch) => {
        expect(strategicMergePatch(target, patch)).toEqual(mergePatch(target, patch));
      }),
    );
  });
});
