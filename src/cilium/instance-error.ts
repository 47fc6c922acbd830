/** Why a BGP instance, or one of its peers, cannot be brought to what the resources ask for. */
export class InstanceError extends Error {
  override readonly name = "InstanceError";
}
