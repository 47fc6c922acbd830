/**
 * The part of kubectl's JSONPath that printer columns use: `.spec.nodeName`, `.items[0]`,
 * `.status.conditions[?(@.type=="Ready")].status`, `[*]`, `.metadata.labels.a\.b`.
 */
export function jsonPath(path: string): (object: unknown) => unknown[] {
  const steps = parse(path);
  return (object) => steps.reduce<unknown[]>((found, step) => found.flatMap(step), [object]);
}

type Step = (value: unknown) => unknown[];

function parse(path: string): Step[] {
  const steps: Step[] = [];
  const token =
    /\.((?:[^.[\]\\]|\\.)+)|\[(\d+)\]|\[\*\]|\['([^']*)'\]|\[\?\(@\.([\w.-]+)\s*==\s*(?:"([^"]*)"|'([^']*)')\)\]/y;
  while (token.lastIndex < path.length) {
    const at = token.lastIndex;
    const match = token.exec(path);
    if (!match) throw new SyntaxError(`cannot read JSONPath ${path} at ${path.slice(at)}`);
    const [, name, index, quoted, key, double, single] = match;
    if (index !== undefined) {
      steps.push((value) =>
        Array.isArray(value) ? value.slice(Number(index), Number(index) + 1) : [],
      );
    } else if (key !== undefined) {
      const wanted = double ?? single;
      steps.push((value) => asList(value).filter((item) => member(item, key)[0] === wanted));
    } else {
      const field = quoted ?? name?.replaceAll(/\\(.)/g, "$1");
      steps.push(field === undefined ? asList : (value) => member(value, field));
    }
  }
  return steps;
}

const asList: Step = (value) => {
  if (Array.isArray(value)) return value;
  return typeof value === "object" && value !== null ? Object.values(value) : [];
};

function member(value: unknown, name: string): unknown[] {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return [];
  return [(value as Record<string, unknown>)[name]];
}
