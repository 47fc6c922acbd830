import { badRequest, pathNotFound } from "./api-error.ts";
import type { KubeApi } from "./kube-api.ts";
import type { ResourceDefinition } from "./resource.ts";

/** What a resource path names: `/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUBRESOURCE`. */
export type ResourcePath = {
  definition: ResourceDefinition;
  version: string;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
};

/** Throws 404 where the path names nothing that is served. */
export function resolvePath(api: KubeApi, pathname: string): ResourcePath {
  const parts = segments(pathname);
  // 1. Group and version: the core group has a root of its own.
  const [root] = parts;
  if (root !== "api" && root !== "apis") throw pathNotFound();
  const group = root === "api" ? "" : parts[1]!;
  const version = root === "api" ? parts[1] : parts[2];
  let rest = parts.slice(root === "api" ? 2 : 3);
  // 2. The namespace. `/api/v1/namespaces/NAME[/status]` is the Namespace itself.
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && !namespaceSubresources.has(rest[2]!)) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  // 3. Resource, name, subresource.
  const [plural, name, subresource, beyond] = rest;
  const definition = api.resources.find((one) => one.group === group && one.plural === plural);
  if (
    !definition ||
    version === undefined ||
    !definition.versions.includes(version) ||
    beyond !== undefined ||
    (namespace !== undefined && !definition.namespaced) ||
    (name !== undefined && definition.namespaced && namespace === undefined)
  ) {
    throw pathNotFound();
  }
  return { definition, version, namespace, name, subresource };
}

const namespaceSubresources = new Set(["status", "finalize"]);

export function segments(pathname: string): string[] {
  try {
    return pathname
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  } catch {
    throw badRequest("the path is not valid percent-encoding");
  }
}
