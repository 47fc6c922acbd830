import type { Prefix } from "../../net/prefix.ts";

/**
 * What a route is known by in an adj-rib: its prefix, and where the session numbers the paths to one
 * prefix (RFC 7911), the Path Identifier as well. Text, so that a Map finds it.
 */
export type RouteKey = Prefix | (string & { readonly numberedRoute: unique symbol });

export function routeKey(prefix: Prefix, pathId: number | undefined): RouteKey {
  return pathId === undefined ? prefix : (`${prefix} ${pathId}` as RouteKey);
}

export function prefixOfKey(key: RouteKey): Prefix {
  const space = key.indexOf(" ");
  return (space < 0 ? key : key.slice(0, space)) as Prefix;
}

export function pathIdOfKey(key: RouteKey): number | undefined {
  const space = key.indexOf(" ");
  return space < 0 ? undefined : Number(key.slice(space + 1));
}
