import { relative } from "node:path";

/** A path as it is seen from here, where it is below. */
export function here(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}
