import type { Edges } from "../../agent/edges.ts";
import type { Informer, InformerOptions } from "../../kube/client/informer.ts";
import type { Resource } from "../../kube/client/kube-client.ts";
import { KubeError } from "../../kube/client/kube-error.ts";
import type { KubeObject } from "../../kube/object.ts";
import { ApiError } from "../../kube/server/api-error.ts";
import type { KubeApi } from "../../kube/server/kube-api.ts";
import { resourceKey, type ResourceKey } from "../../kube/server/resource.ts";
import type { World } from "../world.ts";
import { LocalInformer } from "./local-informer.ts";

/** What Spinelab's own server says it is. */
const version = { major: 1, minor: 30, gitVersion: "v1.30.0" };

export type ApiPlace = {
  world: World;
  api: KubeApi;
  isUp: () => boolean;
  /** Lets the client's process do something, now or when it goes on. */
  run: (what: () => void) => void;
};

/**
 * A cluster's API as its clients see it, without HTTP between: for those in the same world. While it is not up
 * it refuses everything, and nobody hears of changes.
 */
export function localApi(place: ApiPlace): Pick<Edges, "client" | "informer"> {
  const { world, api, isUp } = place;
  const answer = async <Value>(ask: () => Value): Promise<Value> => {
    world.wake();
    if (!isUp()) throw new Error("connect ECONNREFUSED");
    try {
      return ask();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new KubeError(error.code, JSON.stringify(error.toStatus()));
    }
  };
  // The server's objects are KubeObjects; whoever asks knows of which kind.
  const as = <T>(object: KubeObject) => object as T;
  return {
    client: {
      create: (resource, object) => answer(() => as(api.create(keyOf(resource), object))),
      update: (resource, object) => answer(() => as(api.update(keyOf(resource), object))),
      patch: (resource, { name, namespace }, patch, { type = "merge", subresource } = {}) =>
        answer(() =>
          as(
            api.patch(
              keyOf(resource),
              { name, ...(namespace !== undefined && { namespace }) },
              patch,
              type,
              subresource === undefined ? {} : { subresource },
            ),
          ),
        ),
      delete: (resource, { name, namespace }) =>
        answer(() => {
          const at = { name, ...(namespace !== undefined && { namespace }) };
          if (api.find(keyOf(resource), at) !== undefined) api.delete(keyOf(resource), at);
        }),
      version: () => Promise.resolve(version),
    },
    informer: (resource: Resource, options: InformerOptions): Informer<KubeObject> =>
      new LocalInformer(place, keyOf(resource), options),
  };
}

function keyOf({ apiVersion, plural }: Resource): ResourceKey {
  const slash = apiVersion.indexOf("/");
  return resourceKey({ group: slash < 0 ? "" : apiVersion.slice(0, slash), plural });
}
