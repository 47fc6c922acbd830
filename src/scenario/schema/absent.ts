import { type At, mistake } from "../../input/shape.ts";

/**
 * `absent: true` says that the thing is not there, so nothing can be said about it: reports the
 * other fields. `about` are those that say which thing is meant.
 */
export function isAlone(fields: object, about: readonly string[], at: At): boolean {
  const others = Object.keys(fields).filter((name) => name !== "absent" && !about.includes(name));
  if (others.length === 0) return true;
  const message = `'absent' leaves nothing for ${others.map((name) => `'${name}'`).join(", ")} to look at`;
  mistake(at, "BadValue", message, "take one of them out");
  return false;
}
