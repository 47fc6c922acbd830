import { object } from "../../input/shape.ts";

/** `after` and the like inside the braces are a likely slip. */
function timingHint(field: string): string | undefined {
  if (!["after", "undoAfter", "repeat", "every"].includes(field)) return undefined;
  return `'${field}' stands beside the event's name, not inside it`;
}

/** The fields of an event. */
export function fieldsOf<F extends Parameters<typeof object>[0]>(fields: F, what: string) {
  return object(fields, what, timingHint);
}
