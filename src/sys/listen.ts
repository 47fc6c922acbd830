import type { ListenOptions, Server } from "node:net";

/**
 * Resolves when the server listens, and rejects where it cannot. `onError` hears of what fails later: of
 * callers who cannot be let in, while others can.
 */
export async function listen(
  server: Server,
  where: ListenOptions,
  onError: (error: Error) => void,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(where, () => {
      server.off("error", reject).on("error", onError);
      resolve();
    });
  });
}
