/** Does one after the other. One that fails keeps none of the next from being done; the first failure is thrown then. */
export async function inTurn(parts: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of parts) {
    try {
      await part();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
