/**
 * How a field of one of Kubernetes' messages is written, and what it is in JSON. `pointer`: the field is a pointer in
 * Go, so that an empty value was meant; of others Go writes the empty value too, and in JSON it is left out.
 */
export type Shape =
  | { as: "string" | "bytes" | "int" | "bool" | "time" | "quantity" | "intOrString" }
  | { as: "message"; message: Message }
  /** Of a struct embedded in Go: in JSON its fields are among those of the outer one. */
  | { as: "inlined"; message: Message }
  /** Known by name only: of protobuf it is refused, of JSON taken as it is. */
  | { as: "unread" }
  | { as: "pointer"; to: Shape }
  | { as: "list"; of: Shape }
  | { as: "map"; of: Shape };

/** Fields by number, all that Kubernetes 1.34 has. */
export type Message = { name: string; fields: Readonly<Record<number, readonly [string, Shape]>> };

export const string: Shape = { as: "string" };
/** Base64 in JSON. */
export const bytes: Shape = { as: "bytes" };
export const int: Shape = { as: "int" };
export const bool: Shape = { as: "bool" };
/** metav1.Time, RFC 3339 in JSON. */
export const time: Shape = { as: "time" };
/** resource.Quantity, `100m` in JSON. */
export const quantity: Shape = { as: "quantity" };
/** intstr.IntOrString, a number or a text in JSON. */
export const intOrString: Shape = { as: "intOrString" };

export const unread: Shape = { as: "unread" };

export const message = (name: string, fields: Message["fields"]): Message => ({ name, fields });
export const one = (of: Message): Shape => ({ as: "message", message: of });
export const inlined = (of: Message): Shape => ({ as: "inlined", message: of });
export const pointer = (to: Shape): Shape => ({ as: "pointer", to });
export const list = (of: Shape): Shape => ({ as: "list", of });
/** Its keys are texts. */
export const map = (of: Shape): Shape => ({ as: "map", of });
